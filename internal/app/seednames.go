package app

// What seeded agents are called, where they are and what is said of them.
var (
	seedGiven = [...]string{"Ada", "Bruno", "Chiyo", "Dmitri", "Elif", "Farid", "Grace", "Hana", "Ines", "Jonas", "Kofi", "Lena",
		"Marek", "Noor", "Olga", "Pedro", "Quinn", "Rosa", "Sven", "Tomoko", "Uma", "Viktor", "Wanda", "Ximena", "Yusuf", "Zoe"}
	seedFamily = [...]string{"Lindqvist", "Okafor", "Tanaka", "Petrov", "Kaya", "Benali", "Mbeki", "Novak", "Duarte", "Weber",
		"Mensah", "Hoffmann", "Kowalski", "Haddad", "Ivanova", "Alvarez", "Murphy", "Conti", "Larsen", "Mori"}
	seedPlaces = [...]struct{ country, zone string }{
		{"FR", "Europe/Paris"}, {"DE", "Europe/Berlin"}, {"GB", "Europe/London"}, {"US", "America/New_York"}, {"JP", "Asia/Tokyo"},
		{"TR", "Europe/Istanbul"}, {"PL", "Europe/Warsaw"}, {"BR", "America/Sao_Paulo"},
	}
	seedNotes   = [...]string{"campaign review", "waiting for new texts", "holiday", "too many replies to read"}
	seedReasons = [...]string{"campaign is over", "account handed back", "replaced by another agent"}
)

// seedOutput is what a program that keeps ending wrote last.
func seedOutput() []string {
	return []string{"starting", "reading the list of contacts", "error: the list of contacts has no names", "exiting"}
}
