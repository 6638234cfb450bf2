package ledger

// Sites returns how many authorities l knows of.
func (l *Ledger) Sites() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.sites)
}
