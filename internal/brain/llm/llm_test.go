package llm

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"agentry/internal/brain/fake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newClient(t *testing.T, e *fake.Endpoint, key string) *Client {
	t.Helper()
	c, err := New(Options{BaseURL: e.URL() + "/", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func newFake(t *testing.T) *fake.Endpoint {
	e := fake.New()
	t.Cleanup(e.Close)
	return e
}

func ask(text string) Prompt {
	return Prompt{Model: fake.Model, Messages: []Message{{"system", "You are Ann."}, {"user", text}}}
}

func TestComplete(t *testing.T) {
	e := newFake(t)
	c := newClient(t, e, fake.Key)
	p := ask("hello")
	warm := 0.5
	p.Temperature, p.MaxTokens = &warm, 50
	got, err := c.Complete(t.Context(), p)
	if want := (Answer{Text: "You said: hello", Tokens: 3 + 2 + 4}); err != nil || got != want {
		t.Errorf("%+v %v", got, err)
	}
	asked := e.Asked()[0]
	if *asked.Temperature != 0.5 || *asked.MaxTokens != 50 || len(asked.Messages) != 2 || asked.Messages[0] != (fake.Message{Role: "system", Content: "You are Ann."}) {
		t.Errorf("asked %+v", asked)
	}
	p = ask("hello")
	p.MaxTokens = 2
	if got, err := c.Complete(t.Context(), p); err != nil || !got.Cut || got.Text != "You said" {
		t.Errorf("cut: %+v %v", got, err)
	}
	if e.Malformed() != 0 {
		t.Errorf("%d requests were malformed", e.Malformed())
	}
}

func TestAnswersOfManyShapes(t *testing.T) {
	for name, c := range map[string]struct {
		fault fake.Fault
		want  Answer
	}{
		"no usage":          {fake.NoUsage(" hi\n"), Answer{Text: "hi"}},
		"the model refuses": {fake.Refusal("I cannot"), Answer{Text: "I cannot", Tokens: 9}},
	} {
		t.Run(name, func(t *testing.T) {
			e := newFake(t)
			e.Fail(c.fault)
			if got, err := newClient(t, e, fake.Key).Complete(t.Context(), ask("x")); err != nil || got != c.want {
				t.Errorf("%+v %v", got, err)
			}
		})
	}
}

func TestTroubles(t *testing.T) {
	for name, c := range map[string]struct {
		fault  fake.Fault
		want   Kind
		text   string
		after  time.Duration
		tokens int64
	}{
		"rate limit":        {fake.RateLimited("7"), RateLimited, "more often than it allows", 7 * time.Second, 0},
		"rate, no word":     {fake.RateLimited(""), RateLimited, "", 0, 0},
		"quota":             {fake.Quota(), Quota, "pay its bill. (429: You exceeded your current quota", 0, 0},
		"500":               {fake.ServerError(), Unavailable, "The server had an error", 0, 0},
		"503":               {fake.Overloaded("2"), Unavailable, "(503: The engine", 2 * time.Second, 0},
		"403":               {fake.Forbidden(), WrongKey, "LLM_API_KEY_FILE and restart the server. (403:", 0, 0},
		"400":               {fake.BadRequest(), BadRequest, "check temperature, maxTokens and model", 0, 0},
		"context, in words": {fake.TooLong(), TooLong, "longer than the model can read", 0, 0},
		"filter":            {fake.Filtered(), Filtered, "filtered", 0, 9},
		"null":              {fake.Null("stop"), Empty, "nothing", 0, 9},
		"null at length":    {fake.Null("length"), Empty, "raise maxTokens", 0, 9},
		"no choice":         {fake.NoChoice(), BadAnswer, "provider is down", 0, 0},
		"garbage":           {fake.Garbage(), BadAnswer, "check the address", 0, 0},
		"huge":              {fake.Huge(2 << 20), BadAnswer, "more than 1048576 bytes", 0, 0},
		"cut":               {fake.Cut(), Unavailable, "cannot be reached", 0, 0},
		"redirect":          {fake.Redirect("https://elsewhere.example.com/"), BadAddress, "LLM_BASE_URL", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			e := newFake(t)
			e.Fail(c.fault)
			_, err := newClient(t, e, fake.Key).Complete(t.Context(), ask("x"))
			got := trouble(t, err)
			if got.Kind != c.want || got.After != c.after || got.Tokens != c.tokens || !strings.Contains(got.Text, c.text) {
				t.Errorf("%+v", got)
			}
			if len(e.Asked()) != 1 {
				t.Errorf("asked %d times", len(e.Asked()))
			}
		})
	}
}

func trouble(t *testing.T, err error) *Trouble {
	t.Helper()
	var got *Trouble
	if !errors.As(err, &got) {
		t.Fatalf("error %v", err)
	}
	if strings.Contains(got.Error(), fake.Key[:10]) || strings.Contains(got.Error(), fake.Key[len(fake.Key)-10:]) {
		t.Errorf("the key is in %q", got)
	}
	return got
}

func TestTroublesOfTheSetUp(t *testing.T) {
	e := newFake(t)
	p := ask("x")
	for name, c := range map[string]struct {
		key, model, path string
		want             Kind
		text             string
	}{
		"another key": {"sk-wrong-0123456789abcdef", fake.Model, "", WrongKey, "Incorrect API key provided: [key]."},
		"no key":      {"", fake.Model, "", WrongKey, "asks for a key"},
		"model":       {fake.Key, "gone", "", UnknownModel, `does not know the model "gone"`},
		"address":     {fake.Key, fake.Model, "/x", BadAddress, "no /chat/completions at the address"},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := New(Options{BaseURL: e.URL() + c.path, Key: c.key})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			p := p
			p.Model = c.model
			_, err = client.Complete(t.Context(), p)
			if got := trouble(t, err); got.Kind != c.want || !strings.Contains(got.Text, c.text) || c.key != "" && strings.Contains(got.Text, c.key) {
				t.Errorf("%+v", got)
			}
		})
	}
	closed := newFake(t)
	closed.Close()
	_, err := newClient(t, closed, fake.Key).Complete(t.Context(), p)
	if got := trouble(t, err); got.Kind != Unavailable || !strings.Contains(got.Text, "refused") {
		t.Errorf("nobody there: %+v", got)
	}
}

func TestKindsAreSorted(t *testing.T) {
	for kind, want := range map[Kind][2]bool{ // of the message, passing
		WrongKey: {false, false}, UnknownModel: {false, false}, BadAddress: {false, false}, Quota: {false, false},
		RateLimited: {false, true}, Timeout: {false, true}, Unavailable: {false, true}, BadAnswer: {false, true},
		BadRequest: {true, false}, TooLong: {true, false}, Filtered: {true, false}, Empty: {true, false},
	} {
		if got := [2]bool{kind.OfMessage(), kind.Passing()}; got != want {
			t.Errorf("%s: %v", kind, got)
		}
	}
}

func TestTimeOuts(t *testing.T) {
	e := newFake(t)
	e.Fail(fake.Hang())
	c, err := New(Options{BaseURL: e.URL(), Key: fake.Key, Timeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Complete(t.Context(), ask("x"))
	if got := trouble(t, err); got.Kind != Timeout || !strings.Contains(got.Text, "within 20ms") {
		t.Errorf("%+v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	c.Timeout = time.Minute
	asked := e.Changed()
	go func() { <-asked; cancel() }()
	if _, err := c.Complete(ctx, ask("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that gives up is told %v", err)
	}
}

func TestRedirectsDoNotGetTheKey(t *testing.T) {
	reached := make(chan struct{}, 9)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached <- struct{}{} }))
	defer elsewhere.Close()
	e := newFake(t)
	e.Fail(fake.Redirect(elsewhere.URL))
	_, err := newClient(t, e, fake.Key).Complete(t.Context(), ask("x"))
	if trouble(t, err).Kind != BadAddress || len(reached) != 0 {
		t.Errorf("%v, %d calls elsewhere", err, len(reached))
	}
}

func TestParametersThatAModelDoesNotTake(t *testing.T) {
	e := newFake(t)
	c := newClient(t, e, fake.Key)
	cold := 0.0
	p := Prompt{Model: fake.Reasoner, Temperature: &cold, MaxTokens: 100, Messages: ask("x").Messages}
	for range 2 {
		if _, err := c.Complete(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	asked := e.Asked()
	if e.Calls() != 4 || len(asked) != 2 {
		t.Fatalf("%d calls, %d taken: what was learned is forgotten", e.Calls(), len(asked))
	}
	if last := asked[1]; last.MaxTokens != nil || *last.MaxCompletionTokens != 100 || last.Temperature != nil {
		t.Errorf("%+v", last)
	}
	p.Model = fake.Model
	if _, err := c.Complete(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if last := e.Asked()[2]; last.Temperature == nil || last.MaxTokens == nil {
		t.Errorf("another model lost its parameters: %+v", last)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 14, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "3": 3 * time.Second, "0.5": 500 * time.Millisecond, "-1": 0, "soon": 0, "1e99": 1e6 * time.Second,
		"Wed, 14 Jan 2026 10:01:00 GMT": time.Minute, "Wed, 14 Jan 2026 09:00:00 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if got := retryAfter(http.Header{"Retry-After": {"9"}, "Retry-After-Ms": {"1500"}}, now); got != 1500*time.Millisecond {
		t.Errorf("milliseconds: %v", got)
	}
}

func TestErrorsOfManyShapes(t *testing.T) {
	for raw, want := range map[string]string{
		`{"error":{"message":"a","code":400}}`: "a", `{"error":"b"}`: "b", `{"object":"error","message":"c"}`: "c",
		`{"error":{}}`: "", `{}`: "", `[]`: "", `text`: "", ``: "", `{"error":null}`: "",
	} {
		if e, found := readError([]byte(raw)); e.Message != want || found != (want != "") {
			t.Errorf("%s: %+v %v", raw, e, found)
		}
	}
}

// TestKeysAreNotQuoted puts pieces of a key anywhere in an endpoint's words.
func TestKeysAreNotQuoted(t *testing.T) {
	e := newFake(t)
	e.Fail(fake.Echo())
	_, err := newClient(t, e, fake.Key).Complete(t.Context(), ask("x"))
	if got := trouble(t, err); !strings.Contains(got.Text, "[key]") {
		t.Errorf("%+v", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringMatching(`[A-Za-z0-9_-]{1,60}`).Draw(t, "key")
		from := rapid.IntRange(0, len(key)-1).Draw(t, "from")
		piece := key[from:rapid.IntRange(from, len(key)).Draw(t, "to")]
		text := rapid.String().Draw(t, "before") + piece + rapid.String().Draw(t, "after")
		got := (&Client{Options: Options{Key: key}}).quote(text)
		if len(piece) >= min(leastSecret, len(key)) && strings.Contains(strings.ReplaceAll(got, "[key]", ""), piece) || len(got) > maxQuote+5 {
			t.Fatalf("%q shows %q", got, piece)
		}
	})
}

func TestAddressesThatCannotWork(t *testing.T) {
	for _, base := range []string{"", "x", "ftp://x", "://"} {
		if _, err := New(Options{BaseURL: base}); err == nil {
			t.Errorf("%q is taken", base)
		}
	}
}
