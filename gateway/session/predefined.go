package session

// Predefined are the topic ids that a node knows without registration: those of
// all nodes and its own, which win.
type Predefined struct {
	All, Own *Table
}

// A Table is one list of predefined topic ids. It is not changed while in use.
type Table struct {
	names   map[uint16]string
	ids     map[string]uint16
	highest uint16
}

// Add puts a topic into the table.
func (t *Table) Add(id uint16, name string) {
	if t.names == nil {
		t.names, t.ids = map[uint16]string{}, map[string]uint16{}
	}
	t.names[id], t.ids[name] = name, id
	t.highest = max(t.highest, id)
}

// Name is the topic of a predefined id.
func (t Predefined) Name(id uint16) (string, bool) {
	for _, table := range [...]*Table{t.Own, t.All} {
		if table != nil {
			if name, ok := table.names[id]; ok {
				return name, true
			}
		}
	}
	return "", false
}

// ID is the predefined id of a topic.
func (t Predefined) ID(name string) (uint16, bool) {
	for _, table := range [...]*Table{t.Own, t.All} {
		if table != nil {
			if id, ok := table.ids[name]; ok {
				return id, true
			}
		}
	}
	return 0, false
}

// Highest is the highest predefined id: normal ids are given above it (T6).
func (t Predefined) Highest() (id uint16) {
	for _, table := range [...]*Table{t.Own, t.All} {
		if table != nil {
			id = max(id, table.highest)
		}
	}
	return id
}
