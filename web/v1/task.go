package v1

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

// Tasks answers GET …/tasks, newest first, of one state where asked.
func (a *API) Tasks(c *fiber.Ctx, by fleet.Actor) error {
	id, p, err := agentPage(c)
	if err != nil {
		return err
	}
	state, err := oneOf(c, "state", fleet.TaskPending, fleet.TaskClaimed, fleet.TaskDone, fleet.TaskFailed, fleet.TaskCancelled)
	if err != nil {
		return err
	}
	items, next, err := a.app.Tasks(c.UserContext(), by, id, state, p)
	if err != nil {
		return err
	}
	return list(a, c, items, next, task)
}

// Task answers GET …/tasks/{taskId}.
func (a *API) Task(c *fiber.Ctx, by fleet.Actor) error {
	return oneTask(c, by, a.app.Task)
}

// AddTask answers POST …/tasks.
func (a *API) AddTask(c *fiber.Ctx, by fleet.Actor) error {
	var body api.AddTask
	id, _, err := input(c, &body)
	if err != nil {
		return err
	}
	t, err := a.app.AddTask(c.UserContext(), by, id, app.TaskInput{Type: body.Type, Payload: body.Payload, DueAt: stamp(body.DueAt)})
	if err != nil {
		return err
	}
	return a.created(c, "/v1/agents/"+string(id)+"/tasks/"+t.ID, task(t))
}

// CancelTask answers DELETE …/tasks/{taskId}.
func (a *API) CancelTask(c *fiber.Ctx, by fleet.Actor) error {
	return oneTask(c, by, a.app.CancelTask)
}

// oneTask answers with the task of the path, as the use-case leaves it.
func oneTask(c *fiber.Ctx, by fleet.Actor, use func(ctx context.Context, by fleet.Actor, id fleet.AgentID, taskID string) (fleet.Task, error)) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	taskID, err := pathID(c, "taskId", "Task")
	if err != nil {
		return err
	}
	t, err := use(c.UserContext(), by, id, taskID)
	if err != nil {
		return err
	}
	return render(c, task(t))
}

// agentPage is what every list of one agent begins with.
func agentPage(c *fiber.Ctx) (fleet.AgentID, app.PageInput, error) {
	id, err := agentID(c)
	if err != nil {
		return "", app.PageInput{}, err
	}
	p, err := page(c)
	return id, p, err
}

// oneOf is a query parameter that is absent or one of the words.
func oneOf[T ~string](c *fiber.Ctx, name string, words ...T) (string, error) {
	text, err := query(c, name)
	if err != nil || text == "" {
		return "", err
	}
	if !slices.Contains(words, T(text)) {
		return "", fleet.Invalid(name, "must be one of %s", joined(words))
	}
	return text, nil
}

func task(t fleet.Task) api.Task {
	payload := t.Payload
	if len(payload) == 0 {
		payload = json.RawMessage("null")
	}
	return api.Task{
		ID: t.ID, Type: t.Type, Payload: payload, DueAt: api.At(t.DueAt), State: string(t.State),
		Incarnation: t.Incarnation, Error: orNull(t.Error), CreatedAt: api.At(t.CreatedAt), UpdatedAt: api.At(t.UpdatedAt),
	}
}
