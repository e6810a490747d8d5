package fleet_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"agentry/internal/fleet"
)

// wantField asserts a validation error of exactly the field.
func wantField(t *testing.T, err error, field string) {
	t.Helper()
	var known *fleet.Error
	if !errors.As(err, &known) || known.Code != fleet.CodeValidation || len(known.Fields) != 1 || known.Fields[field] == "" {
		t.Errorf("%v, want a validation error of %s", err, field)
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"Ann", "Ann"}, {"  Ann  ", "Ann"}, {"\tAnn\n", "Ann"}, {"A", "A"},
		{"שלום עולם", "שלום עולם"}, {"مرحبا \u202eabc\u202c", "مرحبا \u202eabc\u202c"}, // bidi text and marks
		{"👩‍👩‍👧‍👦 family 🏴‍☠️", "👩‍👩‍👧‍👦 family 🏴‍☠️"}, {"e\u0301", "e\u0301"}, {"<script>", "<script>"}, {"a'b\"c;--", "a'b\"c;--"},
		{strings.Repeat("é", 100), strings.Repeat("é", 100)},
		{"", ""}, {"   ", ""}, {"\u200b\u200b", ""}, {"\u202e", ""}, {"a\x00b", ""}, {"a\nb", ""}, {"a\x1b[31m", ""}, {"a\u0085b", ""}, {"a\x7f", ""},
		{"\u3164\uffa0", ""}, {"\u2800", ""}, {"\u0301\ufe0f", ""}, {"\u1112\u1160\u11ab", "\u1112\u1160\u11ab"}, {"a\xffb", ""}, {"\xed\xa0\x80", ""}, {strings.Repeat("é", 101), ""},
	} {
		got, err := fleet.CheckName("name", c.in)
		if c.want == "" {
			wantField(t, err, "name")
		} else if err != nil || got != c.want {
			t.Errorf("%q: %q, %v", c.in, got, err)
		}
	}
}

// What the check lets through is what it promises, whatever comes in.
func TestNamesKeepTheirPromise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.Rune(), 95, 105, -1),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "name")
		got, err := fleet.CheckName("name", in)
		if err != nil {
			return
		}
		n := len([]rune(got))
		if n < 1 || n > 100 || strings.TrimSpace(got) != got || strings.ToValidUTF8(got, "") != got || regexp.MustCompile(`\p{Cc}`).MatchString(got) {
			t.Fatalf("%q was accepted as %q", in, got)
		}
	})
}

func TestNotes(t *testing.T) {
	for _, c := range []struct {
		in string
		ok bool
	}{
		{"", true}, {"two\r\nlines\tand a tab", true}, {strings.Repeat("ü", 1000), true},
		{strings.Repeat("ü", 1001), false}, {"a\x00", false}, {"\xff", false}, {"\x1b[2J", false},
	} {
		if err := fleet.CheckNote("reason", c.in); (err == nil) != c.ok {
			t.Errorf("%q: %v", c.in, err)
		}
	}
	wantField(t, fleet.CheckText("code", "12", 3, 5), "code")
	wantField(t, fleet.CheckText("code", "", 1, 5), "code")
}

func TestTags(t *testing.T) {
	many := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprint("tag ", i))
		}
		return list
	}
	for _, c := range []struct {
		in, want []string // want nil: refused
	}{
		{nil, []string{}}, {[]string{" a ", "a", "b"}, []string{"a", "b"}}, {[]string{"ü🚀", "A", "a"}, []string{"ü🚀", "A", "a"}},
		{many(20), many(20)}, {append(many(20), "tag 0"), many(20)}, {[]string{strings.Repeat("x", 40)}, []string{strings.Repeat("x", 40)}},
		{in: many(21)}, {in: []string{""}}, {in: []string{"a,b"}}, {in: []string{"a\nb"}}, {in: []string{"\xff"}}, {in: []string{strings.Repeat("x", 41)}},
	} {
		got, err := fleet.CheckTags(c.in)
		if c.want == nil {
			wantField(t, err, "tags")
		} else if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%q: %v %s", c.in, err, diff)
		}
	}
}

// A body full of tags must not cost the square of their number: what is too
// much is refused as soon as it is.
func TestTooManyTagsAreRefusedAtOnce(t *testing.T) {
	tags := make([]string, 200_000)
	for i := range tags {
		tags[i] = fmt.Sprint(i)
	}
	began := time.Now()
	_, err := fleet.CheckTags(tags)
	wantField(t, err, "tags")
	if took := time.Since(began); took > 500*time.Millisecond {
		t.Errorf("took %s", took)
	}
}

func TestCountriesAndAvatars(t *testing.T) {
	for _, c := range []struct {
		in, want string
		ok       bool
	}{{"", "", true}, {"fr", "FR", true}, {"De", "DE", true}, {"FRA", "", false}, {"F", "", false}, {"1A", "", false}, {"ß", "", false}, {"日", "", false}} {
		got, err := fleet.CheckCountry(c.in)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("country %q: %q, %v", c.in, got, err)
		}
	}
	for _, c := range []struct {
		in string
		ok bool
	}{
		{"", true}, {"https://example.com/a.png", true}, {"http://example.com/a.png", false}, {"javascript:alert(1)", false}, {"data:image/png;base64,AA", false},
		{"HTTPS://example.com", false}, {"https://", false}, {"https://a\nb", false}, {"https://" + strings.Repeat("a", 493), false}, {"https://" + strings.Repeat("a", 492), true},
	} {
		if err := fleet.CheckAvatar(c.in); (err == nil) != c.ok {
			t.Errorf("avatar %.40q: %v", c.in, err)
		}
	}
}

func TestSettingsMerge(t *testing.T) {
	base := fleet.Settings{"a": 1.0, "b": "x"}
	got, err := base.Merge([]fleet.Setting{{"a", 2.0}, {"b", nil}, {"c", []any{"y"}}, {"invitationsOnly", true}, {"absent", nil}})
	if diff := cmp.Diff(fleet.Settings{"a": 2.0, "c": []any{"y"}, "invitationsOnly": true}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if diff := cmp.Diff(fleet.Settings{"a": 1.0, "b": "x"}, base); diff != "" {
		t.Error("the merge changed its base", diff)
	}
	want := []fleet.Setting{{"a", 2.0}, {"c", []any{"y"}}, {"invitationsOnly", true}}
	if diff := cmp.Diff(want, got.List()); diff != "" {
		t.Error(diff)
	}
	if got, err := fleet.Settings(nil).Merge(nil); err != nil || got == nil || len(got.List()) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	many := func(n int) (list []fleet.Setting) {
		for i := range n {
			list = append(list, fleet.Setting{Key: fmt.Sprint("k", i), Value: true})
		}
		return list
	}
	if _, err := fleet.Settings(nil).Merge(many(fleet.MaxSettings)); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		field   string
		changes []fleet.Setting
	}{
		{"settings", many(fleet.MaxSettings + 1)}, {"settings", []fleet.Setting{{"big", strings.Repeat("x", fleet.MaxSettingsBytes)}}},
		{"settings", []fleet.Setting{{"f", func() {}}}}, {"settings.key", []fleet.Setting{{"", 1}}}, {"settings.key", []fleet.Setting{{"a\n", 1}}},
		{"settings.key", []fleet.Setting{{strings.Repeat("k", 65), 1}}}, {"settings.skipInNetwork", []fleet.Setting{{"skipInNetwork", "yes"}}},
		{"settings.invitationsOnly", []fleet.Setting{{"invitationsOnly", 1.0}}},
	} {
		_, err := base.Merge(c.changes)
		wantField(t, err, c.field)
	}
}

func TestLimits(t *testing.T) {
	p := func(n int) *int { return &n }
	for _, c := range []struct {
		change fleet.LimitsChange
		want   fleet.Limits
		field  string
	}{
		{fleet.LimitsChange{}, fleet.Limits{5, 20, 10, 25}, ""},
		{fleet.LimitsChange{p(1), p(2), p(1), p(2)}, fleet.Limits{1, 2, 1, 2}, ""},
		{fleet.LimitsChange{p(100), p(100), p(500), p(500)}, fleet.Limits{100, 100, 500, 500}, ""},
		{fleet.LimitsChange{MessagesMax: p(500)}, fleet.Limits{5, 20, 10, 500}, ""},
		{change: fleet.LimitsChange{InvitationsMin: p(0)}, field: "limits.invitationsMin"},
		{change: fleet.LimitsChange{InvitationsMin: p(-1)}, field: "limits.invitationsMin"},
		{change: fleet.LimitsChange{InvitationsMin: p(21)}, field: "limits.invitationsMin"},
		{change: fleet.LimitsChange{InvitationsMax: p(1)}, field: "limits.invitationsMax"},
		{change: fleet.LimitsChange{InvitationsMax: p(101)}, field: "limits.invitationsMax"},
		{change: fleet.LimitsChange{MessagesMin: p(26)}, field: "limits.messagesMin"},
		{change: fleet.LimitsChange{MessagesMin: p(501)}, field: "limits.messagesMin"},
		{change: fleet.LimitsChange{MessagesMax: p(501)}, field: "limits.messagesMax"},
		{change: fleet.LimitsChange{MessagesMax: p(9)}, field: "limits.messagesMin"},
	} {
		got, err := fleet.DefaultLimits().Apply(c.change)
		if c.field != "" {
			wantField(t, err, c.field)
		} else if err != nil || got != c.want {
			t.Errorf("%+v: %+v, %v", c.change, got, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := func(label string) *int {
			if rapid.Bool().Draw(t, label+"?") {
				return p(rapid.IntRange(-3, 600).Draw(t, label))
			}
			return nil
		}
		l, err := fleet.DefaultLimits().Apply(fleet.LimitsChange{n("a"), n("b"), n("c"), n("d")})
		if err == nil && (l.InvitationsMin < 1 || l.InvitationsMin > l.InvitationsMax || l.InvitationsMax > 100 || l.InvitationsMax < 2 ||
			l.MessagesMin < 1 || l.MessagesMin > l.MessagesMax || l.MessagesMax > 500 || l.MessagesMax < 2) {
			t.Fatalf("%+v was accepted", l)
		}
	})
}

func TestIDs(t *testing.T) {
	at := time.Date(2026, 1, 14, 9, 0, 0, 0, time.UTC)
	shape := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	var ids []string
	for i := range 5000 {
		ids = append(ids, fleet.NewID(at.Add(time.Duration(i)*time.Microsecond)))
	}
	if !slices.IsSorted(ids) {
		t.Error("ids made a microsecond apart are out of order")
	}
	seen := map[string]bool{}
	for range 5000 {
		ids = append(ids, fleet.NewID(at))
	}
	var kept fleet.IDs
	var made []string
	for i := range 5000 {
		made = append(made, kept.New(at.Add(-time.Duration(i)*time.Hour)))
	}
	if !slices.IsSorted(made) || made[0][:13] != fleet.NewID(at)[:13] {
		t.Error("ids go back with the clock", made[:2])
	}
	ids = append(ids, made...)
	for _, id := range ids {
		parsed, ok := fleet.ParseID(id)
		if !shape.MatchString(id) || seen[id] || !ok || parsed != id {
			t.Fatalf("%s: seen %v, parsed %q", id, seen[id], parsed)
		}
		seen[id] = true
	}
	if got, ok := fleet.ParseID("ABCDEF01-2345-6789-abcd-EF0123456789"); !ok || got != "abcdef01-2345-6789-abcd-ef0123456789" {
		t.Error(got, ok)
	}
	for _, bad := range []string{
		"", "agent_123", "abcdef0123456789abcdef0123456789", "abcdef01-2345-6789-abcd-ef012345678", "abcdef01-2345-6789-abcd-ef01234567890",
		"gbcdef01-2345-6789-abcd-ef0123456789", "{bcdef01-2345-6789-abcd-ef012345678}", "abcdef01x2345-6789-abcd-ef0123456789", "abcdef01-2345-6789-abcd-ef01234567８",
	} {
		if got, ok := fleet.ParseID(bad); ok || got != "" {
			t.Errorf("%q counts as an id: %q", bad, got)
		}
	}
}

func TestScopesAndRoles(t *testing.T) {
	order := []fleet.Scope{fleet.ScopeRead, fleet.ScopeOperate, fleet.ScopeDelete, fleet.ScopeAdmin}
	for i, have := range order {
		for j, need := range order {
			err := fleet.Actor{TeamID: "t", Scope: have}.May(need)
			if (err == nil) != (i >= j) || have.Contains(need) != (i >= j) {
				t.Errorf("%s for %s: %v", have, need, err)
			}
			var known *fleet.Error
			if err != nil && (!errors.As(err, &known) || known.Code != fleet.CodeForbidden || known.RequiredScope != string(need)) {
				t.Errorf("%s for %s: %#v", have, need, err)
			}
		}
	}
	for _, by := range []fleet.Actor{{}, {TeamID: "t"}, {Scope: fleet.ScopeAdmin}, {TeamID: "t", Scope: "root"}} {
		if by.May(fleet.ScopeRead) == nil {
			t.Errorf("%+v may read", by)
		}
	}
	for role, want := range map[fleet.Role]fleet.Scope{
		fleet.RoleViewer: fleet.ScopeRead, fleet.RoleOperator: fleet.ScopeOperate, fleet.RoleAdmin: fleet.ScopeAdmin, fleet.RoleOwner: fleet.ScopeAdmin, "king": "",
	} {
		if role.Scope() != want || role.Valid() != (want != "") {
			t.Errorf("%s: %q, %v", role, role.Scope(), role.Valid())
		}
	}
	if by := fleet.System("t", "clock"); by.May(fleet.ScopeAdmin) != nil || by.Kind != fleet.ActorSystem {
		t.Errorf("%+v", by)
	}
}

func TestErrors(t *testing.T) {
	cause := errors.New("disk")
	err := fmt.Errorf("wrapped: %w", fleet.Errorf(fleet.CodeUnavailable, "Try %d", 2).Because(cause))
	if fleet.CodeOf(err) != fleet.CodeUnavailable || !errors.Is(err, cause) || !strings.Contains(err.Error(), "unavailable: Try 2: disk") {
		t.Error(err)
	}
	if fleet.CodeOf(cause) != "" || fleet.CodeOf(nil) != "" {
		t.Error("an unknown error has a code")
	}
	if e := fleet.ErrAgentNotFound(); e.Message != "Agent not found" || e.Code != fleet.CodeNotFound {
		t.Error(e)
	}
	if e := fleet.ErrAgentForeign(); e.Message != "You do not have access to this agent" || e.Code != fleet.CodeForbidden {
		t.Error(e)
	}
}
