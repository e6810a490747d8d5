package stream

import "testing"

func TestOldestStreamGivesWay(t *testing.T) {
	w := newCrowd()
	var gone []<-chan struct{}
	var leave []func()
	for range maxPages + 1 {
		g, l := w.enter("mara")
		gone, leave = append(gone, g), append(leave, l)
	}
	for i, g := range gone {
		select {
		case <-g:
			if i != 0 {
				t.Errorf("stream %d had to end", i)
			}
		default:
			if i == 0 {
				t.Error("the oldest stream stayed")
			}
		}
	}
	other, _ := w.enter("vera")
	select {
	case <-other:
		t.Error("another person's stream had to end")
	default:
	}
	for _, l := range leave {
		l()
	}
	if len(w.open["mara"]) != 0 {
		t.Errorf("%d places are still taken", len(w.open["mara"]))
	}
}
