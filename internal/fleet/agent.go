package fleet

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of what people and programs may write, in runes where text.
const (
	MaxName     = 100
	MaxTags     = 20
	MaxTag      = 40
	MaxText     = 1000
	MaxMessage  = 32 << 10 // bytes
	MaxSettings = 100
	// MaxSettingsBytes bounds all settings of an agent as JSON.
	MaxSettingsBytes = 64 << 10
)

// Agent is the managed worker.
type Agent struct {
	ID      AgentID
	TeamID  TeamID
	Name    string
	Kind    string
	Status  Status
	Login   string // "" is none
	Country string // ISO 3166-1 alpha-2, "" is none
	Avatar  string
	Tags    []string

	Hours    WorkingHours
	Limits   Limits
	Settings Settings

	Incarnation int
	Version     int64
	// IsSetUp: what the kind asks for is stored, or a kind that asks for
	// nothing has been started in this incarnation.
	IsSetUp   bool
	Protected *Protection
	EndReason string
	EndedAt   time.Time
	PauseNote string
	PausedBy  string
	ResumeAt  time.Time // zero is never by itself
	// TeamPaused: the team's pause took the agent from running, and the team's
	// resume gives it back.
	TeamPaused bool
	StatusAt   time.Time // since when the status holds
	OpenAlerts int
	Draft      *Draft
	CreatedAt  time.Time
	UpdatedAt  time.Time

	Runtime Runtime
}

// Facts are what the lifecycle asks of the agent.
func (a Agent) Facts(kind Kind) Facts {
	return Facts{NeedsSetup: kind.NeedsSetup(), IsSetUp: a.IsSetUp}
}

// Protection is the flag that delete refuses and bulk skips.
type Protection struct {
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Draft is the harmless half of a former incarnation's settings, offered in
// the next setup form.
type Draft struct {
	Incarnation int          `json:"incarnation"`
	Country     string       `json:"country,omitempty"`
	Hours       WorkingHours `json:"workingHours"`
	Limits      Limits       `json:"limits"`
}

// Settings are an agent's free settings by key. Values are JSON.
type Settings map[string]any

// The settings that the gate knows, each true or false.
const (
	// SettingSkipInNetwork cancels invitations to people who are in the
	// agent's network already, instead of handing them out.
	SettingSkipInNetwork = "skipInNetwork"
	// SettingInvitationsOnly leaves message tasks pending.
	SettingInvitationsOnly = "invitationsOnly"
	// SettingSpread spreads a day's tasks over its open hours; see PlanFor.
	SettingSpread = "spread"
)

// Switches are the settings that are true or false, in the order in which
// people are asked.
func Switches() []string {
	return []string{SettingSpread, SettingSkipInNetwork, SettingInvitationsOnly}
}

// On tells whether a setting is true.
func (s Settings) On(key string) bool {
	on, _ := s[key].(bool)
	return on
}

// Setting is one entry of the API's list form.
type Setting struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
}

// List returns the settings ordered by key.
func (s Settings) List() []Setting {
	out := make([]Setting, 0, len(s))
	for k, v := range s {
		out = append(out, Setting{Key: k, Value: v})
	}
	slices.SortFunc(out, func(a, b Setting) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// Merge returns s with the changes laid over it; a null value removes a key.
func (s Settings) Merge(changes []Setting) (Settings, error) {
	out := Settings{}
	for k, v := range s {
		out[k] = v
	}
	for _, c := range changes {
		if err := checkSetting(c); err != nil {
			return nil, err
		}
		if c.Value == nil {
			delete(out, c.Key)
			continue
		}
		out[c.Key] = c.Value
	}
	if len(out) > MaxSettings {
		return nil, Invalid("settings", "at most %d settings", MaxSettings)
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, Invalid("settings", "must be JSON values")
	}
	if len(raw) > MaxSettingsBytes {
		return nil, Invalid("settings", "at most %d bytes together", MaxSettingsBytes)
	}
	return out, nil
}

func checkSetting(c Setting) error {
	if err := CheckText("settings.key", c.Key, 1, 64); err != nil {
		return err
	}
	switch c.Key {
	case SettingSkipInNetwork, SettingInvitationsOnly, SettingSpread:
		if _, ok := c.Value.(bool); !ok && c.Value != nil {
			return Invalid("settings."+c.Key, "must be true or false")
		}
	}
	return nil
}

// CheckName accepts 1 to 100 characters of valid UTF-8 without control
// characters, with something to see, and returns it without outer blanks.
func CheckName(field, s string) (string, error) {
	s = strings.TrimSpace(s)
	if err := CheckText(field, s, 1, MaxName); err != nil {
		return s, err
	}
	if !strings.ContainsFunc(s, isSeen) {
		return s, Invalid(field, "must have something to see")
	}
	return s, nil
}

// isSeen tells whether a character by itself leaves a mark on a page: blanks,
// fillers of Hangul, the empty cell of Braille and what is put on others do not.
func isSeen(r rune) bool {
	return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.In(r, unicode.M, unicode.Other_Default_Ignorable_Code_Point) && r != '\u2800'
}

// CheckText refuses text that is not valid UTF-8, has control characters, or
// has fewer than low or more than high characters.
func CheckText(field, s string, low, high int) error {
	n := utf8.RuneCountInString(s)
	switch {
	case !utf8.ValidString(s):
		return Invalid(field, "must be valid UTF-8")
	case n < low && n == 0:
		return Invalid(field, "must not be empty")
	case n < low || n > high:
		return Invalid(field, "must have %d to %d characters", low, high)
	case strings.ContainsFunc(s, unicode.IsControl):
		return Invalid(field, "must not contain control characters")
	}
	return nil
}

// CheckNote is CheckText for a reason or note: it may be empty and have line
// breaks and tabs.
func CheckNote(field, s string) error {
	plain := strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(s)
	return CheckText(field, plain, 0, MaxText)
}

// CheckTags returns the tags trimmed, without doubles, or what is wrong.
func CheckTags(tags []string) ([]string, error) {
	out := []string{}
	for _, t := range tags {
		t = strings.TrimSpace(t)
		if err := CheckText("tags", t, 1, MaxTag); err != nil {
			return nil, err
		}
		if strings.Contains(t, ",") {
			return nil, Invalid("tags", "a tag must not contain a comma")
		}
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
		if len(out) > MaxTags {
			return nil, Invalid("tags", "at most %d tags", MaxTags)
		}
	}
	return out, nil
}

// CheckCountry accepts two letters in any case and returns them in upper case;
// "" stays "".
func CheckCountry(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	up := strings.ToUpper(s)
	if len(up) != 2 || up[0] < 'A' || up[0] > 'Z' || up[1] < 'A' || up[1] > 'Z' {
		return "", Invalid("country", "must be a two-letter country code such as FR")
	}
	return up, nil
}

// CheckAvatar accepts "" or an https URL of at most 500 characters.
func CheckAvatar(s string) error {
	if s == "" {
		return nil
	}
	if !strings.HasPrefix(s, "https://") {
		return Invalid("avatar", "must be an https URL")
	}
	return CheckText("avatar", s, 9, 500)
}
