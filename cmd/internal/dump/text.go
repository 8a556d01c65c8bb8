package dump

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// appendText appends the line of r as text. Times are seconds since start.
func (r *record) appendText(b []byte, start time.Time, full bool) []byte {
	if !r.at.IsZero() {
		b = fmt.Appendf(b, "%.6f ", r.at.Sub(start).Seconds())
	}
	if r.src != "" {
		b = fmt.Appendf(b, "%s > %s ", r.src, r.dst)
	}
	if r.notice != "" {
		return append(append(append(b, r.protocol...), ": "...), r.notice...)
	}
	b = append(b, r.head()...)
	for _, text := range object(r.fields).texts(full) {
		b = append(append(b, ' '), text...)
	}
	if r.fault == nil {
		return b
	}
	b = fmt.Appendf(b, " malformed at octet %d: %s", r.fault.offset, r.fault.reason)
	shown, rest := r.octets, ""
	if !full && len(shown) > maxShown {
		shown, rest = shown[:maxShown], fmt.Sprintf("... (%d more octets; --full shows them)", len(r.octets)-maxShown)
	}
	return append(append(append(b, " hex="...), hex.EncodeToString(shown)...), rest...)
}

// head is the protocol, with what is only guessed, and the packet.
func (r *record) head() string {
	parts := []string{string(r.protocol)}
	if r.guessed {
		parts = append(parts, "(guessed)")
	}
	switch {
	case r.assumed:
		parts = append(parts, r.version+"?")
	case r.version != "":
		parts = append(parts, r.version)
	}
	if r.via != nil {
		parts = append(parts, fmt.Sprintf("via node %x radius %d:", r.via.node, r.via.radius()))
	}
	if r.packet != "" {
		parts = append(parts, r.packet)
	}
	return strings.Join(parts, " ")
}

// radius is the broadcast radius, the two bits of Ctrl that have a meaning.
func (v *via) radius() byte { return v.ctrl & 3 }
