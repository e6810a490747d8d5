package app

import (
	"agentry/internal/fleet"
	"agentry/internal/store"
	"time"
)

func raiseTeam(tx *store.Tx, team fleet.TeamID, typ, subType string, severity fleet.Severity, message string, now time.Time) error {
	return nil
}
func resolveTeam(tx *store.Tx, team fleet.TeamID, typ, subType string, now time.Time) error {
	return nil
}
