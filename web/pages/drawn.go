package pages

import (
	"context"
	"io"
	"sync"

	"github.com/a-h/templ"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// maxDrawn bounds the lists that are kept as they were drawn.
const maxDrawn = 16

// drawn are the rows of lists as they were drawn last. One event has everybody
// who looks at a list ask for it again, and those who get the same answer of the
// app, which it gives for a second at most, see the same rows.
type drawn struct {
	mu   sync.Mutex
	kept map[look]string
}

// look is all that the rows of a list depend on: which answer of the app, held
// by its first agent so that no other comes to lie there, and what of the member
// changes them.
type look struct {
	first *app.AgentView
	n     int
	role  fleet.Role
	zone  Zone
}

// once is the component, which is drawn where the look is a new one.
func (d *drawn) once(of look, rows func() templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		d.mu.Lock()
		html, ok := d.kept[of]
		d.mu.Unlock()
		if ok {
			_, err := io.WriteString(w, html)
			return err
		}
		buf := templ.GetBuffer()
		defer templ.ReleaseBuffer(buf)
		if err := rows().Render(ctx, buf); err != nil {
			return err
		}
		d.keep(of, buf.String())
		_, err := w.Write(buf.Bytes())
		return err
	})
}

func (d *drawn) keep(of look, html string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.kept) >= maxDrawn {
		clear(d.kept)
	}
	d.kept[of] = html
}
