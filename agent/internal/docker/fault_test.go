package docker

import "testing"

func TestPortTaken(t *testing.T) {
	for text, want := range map[string]string{ // "" is another fault
		// 20.10, held by another process
		`driver failed programming external connectivity on endpoint web (abc): Error starting userland proxy: listen tcp4 0.0.0.0:8080: bind: address already in use`: "8080",
		`Error starting userland proxy: listen udp [::]:53: bind: address already in use`:                                                                              "53",
		// held by another container
		`driver failed programming external connectivity on endpoint web (abc): Bind for 0.0.0.0:8080 failed: port is already allocated`: "8080",
		// 28
		`failed to set up container networking: driver failed programming external connectivity on endpoint web (abc): failed to bind host port for 0.0.0.0:8080:172.17.0.2:80/tcp: address already in use`: "8080",
		`failed to bind host port [::]:9000/tcp: address already in use`: "9000",
		`exec: "serve": executable file not found in $PATH`:              "",
		`some new wording: address already in use`:                       "(which one, docker does not say)",
		`No such image: web:1`:                                           "",
	} {
		if got, taken := portTaken(text); taken && got != want || taken != (want != "") {
			t.Errorf("%q: port %q, %t, want %q", text, got, taken, want)
		}
	}
}
