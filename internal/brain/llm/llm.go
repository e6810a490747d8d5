// Package llm asks a language model behind an OpenAI-compatible endpoint: one
// POST to /chat/completions, not streamed. It makes each call once, within a
// time and a size; what went wrong comes back as a *Trouble that says whether
// and when to try again, and what a person can do. The key is in no error.
package llm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// callTime is how long one call may take, in all.
	callTime = 2 * time.Minute
	// dialTime is how long it may take to reach the endpoint.
	dialTime = 10 * time.Second
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 1 << 20
)

// Options say where the model is.
type Options struct {
	// BaseURL is the endpoint without /chat/completions.
	BaseURL string
	// Key is sent as a bearer token; "" sends none.
	Key string
	// Timeout is for one call; 0 is two minutes.
	Timeout time.Duration
}

// Client calls one endpoint; its methods may be called at once. Make it with New.
type Client struct {
	Options
	http *http.Client

	mu sync.Mutex
	// What an endpoint refused of a model's parameters is not sent again.
	newName map[string]bool // it wants max_completion_tokens
	plain   map[string]bool // it wants no temperature
}

// New makes a client.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.BaseURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("the address of the model's endpoint is no http or https URL")
	}
	if o.Timeout <= 0 {
		o.Timeout = callTime
	}
	o.BaseURL = strings.TrimSuffix(o.BaseURL, "/")
	return &Client{
		Options: o, newName: map[string]bool{}, plain: map[string]bool{},
		http: &http.Client{
			Transport: &http.Transport{
				Proxy:               http.ProxyFromEnvironment,
				DialContext:         (&net.Dialer{Timeout: dialTime}).DialContext,
				TLSHandshakeTimeout: dialTime, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
				ForceAttemptHTTP2: true,
			},
			// Whoever answers elsewhere must not get the key.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Message is one text of a conversation; Role is system, user or assistant.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Prompt is what to ask.
type Prompt struct {
	Model       string
	Temperature *float64 // nil is the endpoint's own
	MaxTokens   int      // of the answer; 0 is the endpoint's own
	Messages    []Message
}

// Answer is what the model says. Text is never blank.
type Answer struct {
	Text string
	// Tokens is what the call used, of the question and the answer together;
	// 0 is that the endpoint did not say.
	Tokens int64
	// Cut tells that the answer reached its greatest length.
	Cut bool
}

// request is the body of a call.
type request struct {
	Model               string    `json:"model"`
	Messages            []Message `json:"messages"`
	Temperature         *float64  `json:"temperature,omitempty"`
	MaxTokens           int       `json:"max_tokens,omitempty"`
	MaxCompletionTokens int       `json:"max_completion_tokens,omitempty"`
}

// Complete asks once. An error is a *Trouble, or ctx's. A parameter that the
// endpoint does not take for this model is left out or renamed, and the call
// repeated at once.
func (c *Client) Complete(ctx context.Context, p Prompt) (Answer, error) {
	for {
		a, err := c.once(ctx, p)
		var t *Trouble
		if !errors.As(err, &t) || !c.adapt(p, t) {
			return a, err
		}
	}
}

// adapt learns from a refusal; false when there is nothing to learn.
func (c *Client) adapt(p Prompt, t *Trouble) bool {
	if t.code != "unsupported_parameter" && t.code != "unsupported_value" {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	learned := map[string]map[string]bool{"max_tokens": c.newName, "temperature": c.plain}[t.param]
	if learned == nil || learned[p.Model] {
		return false
	}
	learned[p.Model] = true
	return true
}

func (c *Client) request(p Prompt) request {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := request{Model: p.Model, Messages: p.Messages, Temperature: p.Temperature, MaxTokens: p.MaxTokens}
	if c.plain[p.Model] {
		r.Temperature = nil
	}
	if c.newName[p.Model] {
		r.MaxTokens, r.MaxCompletionTokens = 0, p.MaxTokens
	}
	return r
}

func (c *Client) once(ctx context.Context, p Prompt) (Answer, error) {
	body, err := json.Marshal(c.request(p))
	if err != nil {
		return Answer{}, err
	}
	call, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(call, http.MethodPost, c.BaseURL+"/chat/completions", bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "agentry")
	if c.Key != "" {
		req.Header.Set("Authorization", "Bearer "+c.Key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return Answer{}, c.unreached(ctx, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case res.StatusCode/100 != 2:
		return Answer{}, c.refused(res, raw, p)
	case err != nil:
		return Answer{}, c.unreached(ctx, err)
	case len(raw) > maxAnswer:
		return Answer{}, &Trouble{Kind: BadAnswer, Text: fmt.Sprintf("The model's endpoint answers with more than %d bytes.", maxAnswer)}
	}
	return c.read(raw, p)
}

// completion is what is read of a chat.completion object. Endpoints leave out
// what they do not know.
type completion struct {
	Choices []struct {
		Message struct {
			Content *string `json:"content"`
			Refusal *string `json:"refusal"`
		} `json:"message"`
		FinishReason string `json:"finish_reason"`
	} `json:"choices"`
	Usage struct {
		PromptTokens     int64 `json:"prompt_tokens"`
		CompletionTokens int64 `json:"completion_tokens"`
		TotalTokens      int64 `json:"total_tokens"`
	} `json:"usage"`
}

func (c *Client) read(raw []byte, p Prompt) (Answer, error) {
	var got completion
	if err := json.Unmarshal(raw, &got); err != nil {
		return Answer{}, &Trouble{Kind: BadAnswer, Text: "What answers at LLM_BASE_URL is not the JSON of a chat completion: check the address."}
	}
	tokens := got.Usage.TotalTokens
	if tokens <= 0 {
		tokens = got.Usage.PromptTokens + got.Usage.CompletionTokens
	}
	a := Answer{Tokens: max(tokens, 0)}
	if len(got.Choices) == 0 {
		text := "The model's endpoint answers without a choice: check LLM_BASE_URL."
		if e, found := readError(raw); found { // as gateways do
			text += " (" + c.quote(e.Message) + ")"
		}
		return Answer{}, &Trouble{Kind: BadAnswer, Text: text, Tokens: a.Tokens}
	}
	first := got.Choices[0]
	a.Cut = first.FinishReason == "length"
	for _, text := range []*string{first.Message.Content, first.Message.Refusal} {
		if text != nil && a.Text == "" {
			a.Text = strings.TrimSpace(strings.ToValidUTF8(*text, "\uFFFD"))
		}
	}
	switch {
	case a.Text != "":
		return a, nil
	case a.Cut:
		return Answer{}, &Trouble{Kind: Empty, Tokens: a.Tokens, Text: fmt.Sprintf(
			"The model reached the greatest length of an answer (maxTokens is %s) before it said anything: raise maxTokens in the agent's settings.", orDefault(p.MaxTokens))}
	case first.FinishReason == "content_filter":
		return Answer{}, &Trouble{Kind: Filtered, Tokens: a.Tokens, Text: "The model's endpoint filtered the answer away."}
	}
	return Answer{}, &Trouble{Kind: Empty, Tokens: a.Tokens, Text: "The model answers with nothing."}
}

func orDefault(n int) string {
	if n == 0 {
		return "the endpoint's default"
	}
	return fmt.Sprint(n)
}
