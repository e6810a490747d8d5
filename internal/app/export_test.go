package app

// SetToldBound makes the bound of told events small enough for a test.
func (a *App) SetToldBound(step, kept int) { a.told.step, a.told.kept = step, kept }
