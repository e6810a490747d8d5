package app_test

import (
	"context"
	"fmt"
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// member makes the actor a real member, who can own something.
func (b *bench) member(by fleet.Actor, role fleet.Role) fleet.Actor {
	b.t.Helper()
	user := must[fleet.UserID](b.t)(b.AddMember(b.t.Context(), by.TeamID, app.MemberInput{Email: string(role) + "@views.example", Password: "correct horse battery", Role: role}))
	by.ID = string(user)
	return by
}

// sharedView is a view of nobody's in our team.
func (b *bench) sharedView() string {
	b.t.Helper()
	v, _, err := b.SaveView(b.t.Context(), fleet.System(b.team, "test"), app.ViewInput{Name: "All", Shared: true})
	b.ok(err)
	return v.ID
}

func viewing() map[string]useCase {
	name := "Renamed"
	return map[string]useCase{
		"Find": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			list, err := b.Find(ctx, by, string(id), 10)
			if by.TeamID != b.team && len(list) > 0 {
				b.t.Error("another team finds", list[0].Name)
			}
			return err
		}},
		"Views": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			b.sharedView()
			list, err := b.Views(ctx, by)
			if by.TeamID != b.team && len(list) > 0 {
				b.t.Error("another team sees", list[0].Name)
			}
			return err
		}},
		"View": {read, false, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.View(ctx, by, b.sharedView()))
		}},
		"SaveView": {operate, true, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			by.Kind = fleet.ActorKey
			v, _, err := b.SaveView(ctx, by, app.ViewInput{Name: "Mine", Shared: true})
			if err == nil && v.TeamID != by.TeamID {
				b.t.Error("a view for another team")
			}
			return err
		}},
		"UpdateView": {operate, true, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.UpdateView(ctx, by, b.sharedView(), app.ViewChange{Name: &name}))
		}},
		"DeleteView": {operate, true, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return b.DeleteView(ctx, by, b.sharedView())
		}},
	}
}

// A member's own view concerns nobody else and leaves no trace; a shared one is
// the team's business.
func TestViewsAreAuditedWhenShared(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	ann, ada := b.member(b.viewer, fleet.RoleViewer), b.member(b.operator, fleet.RoleOperator)
	var own fleet.View
	b.effectsOf(func() {
		own, _, _ = b.SaveView(t.Context(), ann, app.ViewInput{Name: " Sick ", Query: "?status=attention&cursor=x"})
	}).want(t, "an own view", effects{})
	if own.Name != "Sick" || own.Query != "status=attention" || own.By != "Ann read" {
		t.Errorf("%+v", own)
	}
	_, err := b.View(t.Context(), ada, own.ID)
	wantErr(t, "another's own view", err, fleet.CodeNotFound, "View not found")
	wantErr(t, "deleting another's own view", b.DeleteView(t.Context(), b.admin, own.ID), fleet.CodeNotFound, "View not found")
	shared, yes, no := fleet.View{}, true, false
	b.effectsOf(func() {
		shared, _, _ = b.SaveView(t.Context(), ada, app.ViewInput{Name: "Ours", Shared: true})
	}).want(t, "a shared view", effects{Audit: []string{"view.save done " + ada.ID}, Events: []string{"view.changed"}})
	_, err = b.UpdateView(t.Context(), ann, own.ID, app.ViewChange{Shared: &yes})
	wantErr(t, "a viewer shares", err, fleet.CodeForbidden, "")
	_, err = b.UpdateView(t.Context(), ann, shared.ID, app.ViewChange{Shared: &no})
	wantErr(t, "a viewer changes a shared one", err, fleet.CodeForbidden, "")
	query, demoted := "status=ended", ada
	demoted.Scope = fleet.ScopeRead
	_, err = b.UpdateView(t.Context(), demoted, shared.ID, app.ViewChange{Query: &query})
	wantErr(t, "its owner, a viewer now, changes what the team sees", err, fleet.CodeForbidden, "")
	b.effectsOf(func() {
		b.ok(second(b.UpdateView(t.Context(), demoted, shared.ID, app.ViewChange{Shared: &no})))
	}).want(t, "shared no more", effects{Audit: []string{"view.update done " + ada.ID}, Events: []string{"view.changed"}})
	if list := must[[]fleet.View](t)(b.Views(t.Context(), ann)); len(list) != 1 || list[0].ID != own.ID {
		t.Errorf("%+v", list)
	}
}

func TestViewsHaveNamesAndAnEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	ann := b.member(b.viewer, fleet.RoleViewer)
	for i := range fleet.MaxViews {
		if _, made, err := b.SaveView(t.Context(), ann, app.ViewInput{Name: fmt.Sprint("v", i), Query: "status=paused"}); err != nil || !made {
			t.Fatal(i, made, err)
		}
	}
	_, _, err := b.SaveView(t.Context(), ann, app.ViewInput{Name: "one more"})
	wantErr(t, "one too many", err, fleet.CodeValidation, "")
	again, made, err := b.SaveView(t.Context(), ann, app.ViewInput{Name: "v7", Query: "status=ended"})
	if err != nil || made || again.Query != "status=ended" || b.number(`SELECT COUNT(*) FROM views WHERE query = 'status=ended'`) != 1 {
		t.Errorf("overwritten: %t, %+v, %v", made, again, err)
	}
	taken := "v8"
	_, err = b.UpdateView(t.Context(), ann, again.ID, app.ViewChange{Name: &taken})
	wantErr(t, "a name twice", err, fleet.CodeValidation, "")
	for _, in := range []app.ViewInput{{Name: ""}, {Name: "\u200b"}, {Name: "x", Query: "status=asleep"}} {
		_, _, err := b.SaveView(t.Context(), ann, in)
		wantErr(t, fmt.Sprintf("%+v", in), err, fleet.CodeValidation, "")
	}
	key := fleet.Actor{Kind: fleet.ActorKey, ID: "k", Name: "key", TeamID: b.team, Scope: fleet.ScopeOperate}
	_, _, err = b.SaveView(t.Context(), key, app.ViewInput{Name: "a key's own"})
	wantErr(t, "a key's own", err, fleet.CodeValidation, "")
	if _, made, err := b.SaveView(t.Context(), key, app.ViewInput{Name: "v7", Shared: true}); err != nil || !made {
		t.Errorf("a key shares a name that a member has: %t, %v", made, err)
	}
}
