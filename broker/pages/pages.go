// Package pages holds a slice that grows without a copy.
package pages

// pageSize is how many elements one page has.
const pageSize = 32

// A Slice grows at its end by pages that stay where they are: growing it leaves
// no garbage and makes nobody wait. Its zero value is empty.
type Slice[T any] struct {
	pages []*[pageSize]T
	n     int
}

// Len is the number of elements.
func (s *Slice[T]) Len() int { return s.n }

// At is the element i, which stays there until it is popped.
func (s *Slice[T]) At(i int) *T { return &s.pages[uint(i)/pageSize][uint(i)%pageSize] }

// Push adds v at the end.
func (s *Slice[T]) Push(v T) {
	if s.n == len(s.pages)*pageSize {
		s.pages = append(s.pages, new([pageSize]T))
	}
	s.n++
	*s.At(s.n - 1) = v
}

// Pop takes the last element off. One page stays for those to come.
func (s *Slice[T]) Pop() (v T) {
	last := s.At(s.n - 1)
	v, *last = *last, v
	s.n--
	if end := len(s.pages) - 1; s.n+pageSize <= end*pageSize {
		s.pages[end] = nil
		s.pages = s.pages[:end]
	}
	return v
}
