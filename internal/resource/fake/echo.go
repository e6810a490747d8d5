package fake

import (
	"net/http"
)

// serveEcho answers where the world sees the asker, with the keys of
// geo.myip.link (§9). Who asks directly is seen nowhere in particular.
func (g *Gateway) serveEcho(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	e, through := g.exits[r.RemoteAddr]
	if !through {
		g.direct++
		e = exit{ip: "127.0.0.1"}
	}
	g.mu.Unlock()
	if e.page {
		deliver(w, answer{status: http.StatusOK, body: page{"text/html", "<html><body>Please sign in to this network</body></html>"}})
		return
	}
	p := placeOf(e.country)
	deliver(w, answer{status: http.StatusOK, body: map[string]any{
		"ip": e.ip, "country": e.country, "city": p.city, "timezone": p.zone, "stateProv": "", "languages": p.language,
		"ll": []float64{p.latitude, p.longitude}, "accuracy": 20,
	}})
}

type place struct {
	city, zone, language string
	latitude, longitude  float64
}

// placeOf is a city of the country; a country that is not listed has none.
func placeOf(country string) place {
	return map[string]place{
		"AU": {"Sydney", "Australia/Sydney", "en-AU", -33.87, 151.21},
		"CA": {"Toronto", "America/Toronto", "en-CA", 43.65, -79.38},
		"DE": {"Berlin", "Europe/Berlin", "de-DE", 52.52, 13.4},
		"ES": {"Madrid", "Europe/Madrid", "es-ES", 40.42, -3.7},
		"FR": {"Paris", "Europe/Paris", "fr-FR", 48.86, 2.35},
		"GB": {"London", "Europe/London", "en-GB", 51.51, -0.13},
		"IN": {"Mumbai", "Asia/Kolkata", "en-IN", 19.08, 72.88},
		"JP": {"Tokyo", "Asia/Tokyo", "ja-JP", 35.68, 139.69},
		"NL": {"Amsterdam", "Europe/Amsterdam", "nl-NL", 52.37, 4.9},
		"US": {"New York", "America/New_York", "en-US", 40.71, -74.01},
	}[country]
}
