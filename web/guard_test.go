package web

import "testing"

func TestHosts(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST:3000": true, "127.0.0.1": true, "127.0.0.1:3000": true, "[::1]:3000": true, "[::1]": true,
		"": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "10.0.0.1:3000": false, "evil.example": false, "0.0.0.0": false,
	} {
		if got := loopbackHost(host); got != want {
			t.Errorf("loopbackHost(%q) = %v", host, got)
		}
	}
	for host, want := range map[string]bool{
		"a.example": true, "a.example:80": true, "[::1]:80": true, "under_score": true,
		"": false, "a b": false, "a/b": false, "a@b": false, ":80": false, "a,b": false, "a\x00": false, ".": false,
	} {
		if got := goodHost(host); got != want {
			t.Errorf("goodHost(%q) = %v", host, got)
		}
	}
}

func TestOrigins(t *testing.T) {
	for _, tt := range []struct {
		origin, host string
		want         bool
	}{
		{"", "localhost:3000", true},
		{"http://localhost:3000", "localhost:3000", true},
		{"http://localhost:3001", "localhost:3000", false},
		{"https://localhost:3000", "localhost:3000", false},
		{"http://evil.example", "localhost:3000", false},
		{"null", "localhost:3000", false},
	} {
		if got := ownOrigin(tt.origin, tt.host); got != tt.want {
			t.Errorf("ownOrigin(%q, %q) = %v", tt.origin, tt.host, got)
		}
	}
}

func TestRequestIDs(t *testing.T) {
	for id, want := range map[string]bool{
		"abc-DEF_123": true, "": false, "a b": false, "a\nb": false, "ü": false,
		"0123456789012345678901234567890123456789012345678901234567890123":  true,
		"01234567890123456789012345678901234567890123456789012345678901234": false,
	} {
		if got := goodRequestID(id); got != want {
			t.Errorf("goodRequestID(%q) = %v", id, got)
		}
	}
}

func TestBearer(t *testing.T) {
	for header, want := range map[string]string{"Bearer x": "x", "bearer  x ": "x", "Bearer": "", "Basic x": "", "Bearer ": ""} {
		if got, ok := bearer(header); got != want && ok {
			t.Errorf("bearer(%q) = %q", header, got)
		}
	}
}
