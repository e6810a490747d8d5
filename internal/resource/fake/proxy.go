package fake

import (
	"fmt"
	"net/http"
	"slices"
)

// setProxy is PATCH /browser/:id/proxy (§4): 204 and nothing else.
func (s *GoLogin) setProxy(c call) answer {
	f, bad := formOf(c.body)
	if bad != nil {
		return *bad
	}
	proxy, wrong := proxyOf(f.in)
	if len(wrong) > 0 {
		return invalid(wrong...)
	}
	p := s.living(c.id)
	if p == nil {
		return missing()
	}
	s.use(c, p, proxy)
	return answer{status: http.StatusNoContent, effect: true, id: p.id}
}

func (s *GoLogin) use(c call, p *profile, proxy Proxy) {
	p.proxy, p.updated = proxy, c.now
	p.proxies = append(p.proxies, proxy)
}

// setProxies is PATCH /browser/proxy/many/v2 (§4).
func (s *GoLogin) setProxies(c call) answer {
	f, bad := formOf(c.body)
	if bad != nil {
		return *bad
	}
	list, ok := f.in["proxies"].([]any)
	if !ok || len(list) == 0 {
		f.refuse("proxies", "isArray", "must be an array")
		return *f.verdict()
	}
	ids, proxies := make([]string, len(list)), make([]Proxy, len(list))
	for i, v := range list {
		in, _ := v.(map[string]any)
		one := &form{in: in}
		if ids[i] = one.must("profileId"); !isID(ids[i]) {
			one.refuse("profileId", "isMongoId", "must be a mongodb id")
		}
		proxy, _ := in["proxy"].(map[string]any)
		var wrong []violation
		proxies[i], wrong = proxyOf(proxy)
		f.wrong = append(append(f.wrong, one.wrong...), wrong...)
	}
	if bad := f.verdict(); bad != nil {
		return *bad
	}
	out := answer{status: http.StatusNoContent}
	for i, id := range ids {
		p := s.living(id)
		if p == nil {
			out.status = s.opts.Choices.BulkMissing
			continue
		}
		s.use(c, p, proxies[i])
		out.effect, out.id = true, p.id
	}
	return out.orMissing()
}

// orMissing gives a chosen 404 its body.
func (a answer) orMissing() answer {
	if a.status == http.StatusNotFound {
		a.body = missing().body
	}
	return a
}

// addVendorProxy is POST /users-proxies/mobile-proxy (§4): every call makes
// another proxy of the vendor's own, and links it.
func (s *GoLogin) addVendorProxy(c call) answer {
	f, bad := formOf(c.body)
	if bad != nil {
		return *bad
	}
	country := f.must("countryCode")
	if len(f.wrong) == 0 && (!isCountry(country) || !slices.Contains(s.opts.Countries, country)) {
		f.oneOf("countryCode", "isIn", true, s.opts.Countries...)
	}
	mobile, dc := f.truth("isMobile"), f.truth("isDC") || f.truth("isDc")
	link, label := f.text("profileIdToLink"), f.text("customName")
	f.text("city")
	if link != "" && !isID(link) {
		f.refuse("profileIdToLink", "isMongoId", "must be a mongodb id")
	}
	if bad := f.verdict(); bad != nil {
		return *bad
	}
	p := s.living(link)
	if link != "" && p == nil {
		return missing()
	}
	s.entities++
	made := Proxy{
		ID: s.newID(c.now), Mode: "http", Host: "geo.floppydata.com", Port: 10080,
		Username: fmt.Sprintf("standin-%d", s.entities), Password: s.opts.Canary + "-proxy", Label: label,
	}
	out := answer{status: http.StatusCreated, effect: true}
	if p != nil {
		linked := made
		linked.Mode, linked.Region = "geolocation", country
		s.use(c, p, linked)
		out.id = p.id
	}
	body := made.whole()
	body["connectionType"] = connection(mobile, dc)
	out.body = body
	return out
}

func connection(mobile, dc bool) string {
	switch {
	case mobile:
		return "mobile"
	case dc:
		return "dc"
	}
	return "resident"
}

// traffic is GET /users-proxies/geolocation/traffic (§4).
func (s *GoLogin) traffic(call) answer {
	used := func(n int) map[string]any {
		return map[string]any{"trafficUsedBytes": n, "trafficLimitBytes": 2 << 30}
	}
	return answer{status: http.StatusOK, body: map[string]any{
		"mobileTrafficData": used(0), s.opts.Choices.TrafficKey: used(s.entities << 20), "dataCenterTrafficData": used(0),
	}}
}
