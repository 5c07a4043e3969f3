module github.com/lormas/lormas/deploy

go 1.26.0

require (
	github.com/alecthomas/kong v1.17.0
	github.com/google/go-cmp v0.7.0
	golang.org/x/sync v0.23.0
	golang.org/x/sys v0.49.0
)

require (
	github.com/eclipse/paho.mqtt.golang v1.5.1 // indirect
	github.com/google/uuid v1.6.0 // indirect
)

require (
	github.com/gorilla/websocket v1.5.3 // indirect
	github.com/lormas/lormas/shared v0.0.0
	golang.org/x/net v0.59.0 // indirect
)

replace github.com/lormas/lormas/shared => ../shared
