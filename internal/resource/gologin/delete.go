package gologin

import (
	"context"
	"net/http"

	"agentry/internal/resource"
)

// Delete clears the profile's proxy, stops its cloud browser and deletes it.
// The proxy is cleared because GoLogin keeps deleted profiles where they can
// be restored, with the proxy's password in them. When GoLogin refuses to
// clear or to stop, it is deleted all the same: the refusal that counts is
// that of the deletion.
func (c *Client) Delete(ctx context.Context, id string, d resource.Deletion) error {
	if !isID(id) {
		return notAnID()
	}
	if d.Again {
		if _, err := c.look(ctx, id); err != nil {
			return unlessMissing(err)
		}
	}
	path := "/browser/" + id
	clear, stop := call{method: http.MethodPatch, path: path + "/proxy", body: clearBody{none}}, call{method: http.MethodDelete, path: path + "/web"}
	before := []call{clear, stop}
	if d.Bare {
		before = []call{stop}
	}
	for _, q := range before {
		if _, err := c.ask(ctx, q); err != nil && !c.passes(q, err) {
			return marked(err, false) // the deletion itself was not asked for
		}
	}
	a, err := c.ask(ctx, call{method: http.MethodDelete, path: path})
	switch {
	case err == nil && (a.status == http.StatusOK || a.status == http.StatusNoContent):
		return nil
	case err == nil:
		err = &resource.Error{Reason: resource.Refused, Unclear: true, Message: "GoLogin does not say that the profile is deleted"}
	case resource.ReasonOf(err) == resource.Refused, resource.ReasonOf(err) == resource.Quota:
	default:
		return unlessMissing(err)
	}
	// A refusal may be that of a profile which is gone already.
	if _, lookErr := c.look(ctx, id); resource.ReasonOf(lookErr) == resource.Missing {
		return nil
	} else if lookErr != nil {
		return marked(lookErr, true)
	}
	return err
}

func unlessMissing(err error) error {
	if resource.ReasonOf(err) == resource.Missing {
		return nil
	}
	return err
}

// passes tells whether the deletion goes on after a step before it failed:
// when there is nothing to do, or when GoLogin does not do it at all.
func (c *Client) passes(q call, err error) bool {
	switch resource.ReasonOf(err) {
	case resource.Missing:
		return true
	case resource.Refused, resource.Invalid, resource.Quota:
		c.log.Warn("GoLogin refused a step before a deletion", "method", q.method, "path", q.path, "error", err)
		return true
	}
	return false
}
