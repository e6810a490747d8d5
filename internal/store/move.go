package store

import (
	"time"

	"agentry/internal/fleet"
)

// MoveStatus is the one function that changes an agent's status: compare and
// set on status and version. It stores, with the status, what a move may
// change beside it (login, country, notes, end, draft, incarnation, settings)
// as they stand in a, whose Status, Version and UpdatedAt are of before. It
// returns the agent as it then is, or a conflict when another move came first.
func (tx *Tx) MoveStatus(a fleet.Agent, to fleet.Status, at time.Time) (fleet.Agent, error) {
	from, version := a.Status, a.Version
	a.Status, a.StatusAt, a.UpdatedAt, a.Version = to, at, at, version+1
	draft := ""
	if a.Draft != nil {
		draft = toJSON(a.Draft)
	}
	n, err := tx.exec(`UPDATE agents SET status = $1, version = $2, status_at = $3, updated_at = $3, login = $4, country = $5,
			avatar = $6, days = $7, starts = $8, stops = $9, timezone = $10, invitations_min = $11, invitations_max = $12,
			messages_min = $13, messages_max = $14, settings = $15, incarnation = $16, set_up = $17, end_reason = $18,
			ended_at = $19, pause_note = $20, paused_by = $21, resume_at = $22, draft = $23, search = $24, team_paused = $25
		WHERE id = $26 AND team_id = $27 AND status = $28 AND version = $29`,
		a.Status, a.Version, micros(at), a.Login, a.Country, a.Avatar,
		a.Hours.Days, a.Hours.Start, a.Hours.Stop, a.Hours.Timezone,
		a.Limits.InvitationsMin, a.Limits.InvitationsMax, a.Limits.MessagesMin, a.Limits.MessagesMax,
		settingsJSON(a.Settings), a.Incarnation, a.IsSetUp, a.EndReason, micros(a.EndedAt), a.PauseNote, a.PausedBy,
		micros(a.ResumeAt), draft, searchText(a), a.TeamPaused, a.ID, a.TeamID, from, version)
	if err != nil {
		return a, err
	}
	if n == 0 {
		return a, fleet.Errorf(fleet.CodeConflict, "The agent was changed by somebody else at the same moment; look again")
	}
	if from == to {
		return a, nil
	}
	if err := tx.countStatus(a.TeamID, from, -1); err != nil {
		return a, err
	}
	return a, tx.countStatus(a.TeamID, to, 1)
}
