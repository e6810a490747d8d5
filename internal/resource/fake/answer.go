package fake

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// failure is an error of the usual shape (§6).
func failure(status int, message string) answer {
	return answer{status: status, body: map[string]any{"statusCode": status, "message": message, "error": http.StatusText(status)}}
}

func missing() answer { return failure(http.StatusNotFound, "Profile not found") }

// forbidden is what guards answer.
func forbidden() answer { return failure(http.StatusForbidden, "Forbidden resource") }

// fullPlan is the quota's answer to every create (§2).
func fullPlan() answer {
	return failure(http.StatusForbidden, "You've reached max profiles number. To create more update your plan")
}

func tooMany() answer {
	return answer{status: http.StatusTooManyRequests, body: map[string]any{"statusCode": http.StatusTooManyRequests, "message": "ThrottlerException: Too Many Requests"}}
}

// violation is an element of a validation error (§6): it echoes what was sent.
type violation struct {
	Property    string            `json:"property"`
	Value       any               `json:"value,omitempty"`
	Constraints map[string]string `json:"constraints"`
	Children    []any             `json:"children"`
	Target      any               `json:"target"`
}

func invalid(v ...violation) answer {
	return answer{status: http.StatusBadRequest, body: map[string]any{"statusCode": http.StatusBadRequest, "error": "Bad Request", "message": v}}
}

func wrongID(id string) violation {
	v := violation{Property: "id", Value: id, Children: []any{}, Target: map[string]any{"id": id}}
	switch {
	case len(id) < 24:
		v.Constraints = map[string]string{"isLength": "id must be longer than or equal to 24 characters"}
	case len(id) > 24:
		v.Constraints = map[string]string{"isLength": "id must be shorter than or equal to 24 characters"}
	default:
		v.Constraints = map[string]string{"isMongoId": "id must be a mongodb id"}
	}
	return v
}

// form reads a JSON object and collects what is wrong with it.
type form struct {
	in    map[string]any
	wrong []violation
}

// formOf reads a body; an absent one is an empty object. The answer is set
// when it is no JSON object.
func formOf(body []byte) (*form, *answer) {
	f := &form{in: map[string]any{}}
	if len(body) == 0 {
		return f, nil
	}
	if err := json.Unmarshal(body, &f.in); err != nil || f.in == nil {
		a := failure(http.StatusBadRequest, "Unexpected token in JSON at position 0")
		return nil, &a
	}
	return f, nil
}

func (f *form) refuse(name, constraint, text string) {
	f.wrong = append(f.wrong, violation{Property: name, Value: f.in[name], Constraints: map[string]string{constraint: name + " " + text}, Children: []any{}, Target: f.in})
}

// text returns a string; one that is absent is "".
func (f *form) text(name string) string {
	v, there := f.in[name]
	s, ok := v.(string)
	if there && v != nil && !ok {
		f.refuse(name, "isString", "must be a string")
	}
	return s
}

// must is a text that is there.
func (f *form) must(name string) string {
	s := f.text(name)
	if _, ok := f.in[name].(string); !ok {
		if f.in[name] == nil {
			f.refuse(name, "isString", "must be a string")
		}
		return s
	}
	if s == "" {
		f.refuse(name, "isNotEmpty", "should not be empty")
	}
	return s
}

// oneOf is a text of a list; one that is absent is "", unless it is needed.
func (f *form) oneOf(name, constraint string, needed bool, values ...string) string {
	v, there := f.in[name]
	if !there && !needed {
		return ""
	}
	s, ok := v.(string)
	if !ok || !slices.Contains(values, s) {
		f.refuse(name, constraint, "must be one of the following values: "+strings.Join(values, ", "))
	}
	return s
}

// integer is a number; one that is absent is 0. A number in quotes is refused.
func (f *form) integer(name string) int {
	v, there := f.in[name]
	n, ok := v.(float64)
	if there && !ok {
		f.refuse(name, "isNumber", "must be a number conforming to the specified constraints")
	}
	return int(n)
}

// truth is a boolean; one that is absent is false.
func (f *form) truth(name string) bool {
	v, there := f.in[name]
	b, ok := v.(bool)
	if there && !ok {
		f.refuse(name, "isBoolean", "must be a boolean value")
	}
	return b
}

// ids is a list of profiles' ids.
func (f *form) ids(name string) []string {
	list, ok := f.in[name].([]any)
	if !ok {
		f.refuse(name, "isArray", "must be an array")
		return nil
	}
	out := make([]string, 0, len(list))
	for _, v := range list {
		id, _ := v.(string)
		if !isID(id) {
			f.refuse(name, "isMongoId", "each value in "+name+" must be a mongodb id")
			return nil
		}
		out = append(out, id)
	}
	return out
}

// verdict is the refusal of what was collected; nil is that all is well.
func (f *form) verdict() *answer {
	if len(f.wrong) == 0 {
		return nil
	}
	a := invalid(f.wrong...)
	return &a
}
