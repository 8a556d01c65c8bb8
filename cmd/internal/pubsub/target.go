package pubsub

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"

	"github.com/spf13/pflag"
)

// A Target says where to connect to, and as whom.
type Target struct {
	Host, Port    string
	Version       string // 311, 5 or mqttsn
	ClientID      string
	User          string
	Password      string
	KeepSession   bool
	SessionExpiry uint32
	Predefined    map[uint16]string
	Debug         bool
}

// Register adds the flags that pub and sub share, named as mosquitto's.
func (t *Target) Register(f *pflag.FlagSet) {
	f.StringVarP(&t.Host, "host", "h", "localhost", "host of the server")
	f.StringVarP(&t.Port, "port", "p", "", "its port (1883; of MQTT-SN 1884)")
	f.StringVarP(&t.Version, "protocol-version", "V", "311", "311, 5 (also mqttv311, mqttv5) or mqttsn")
	f.StringVarP(&t.ClientID, "id", "i", "", "client id (one made at random)")
	f.StringVarP(&t.User, "username", "u", "", "user name")
	f.StringVarP(&t.Password, "pw", "P", "", "password")
	f.BoolVarP(&t.Debug, "debug", "d", false, "print each packet on standard error")
	f.Bool("help", false, "help") // -h is the host
}

// Complete reads the URL, if one is given, and fills what is missing.
func (t *Target) Complete(args []string) error {
	versions := map[string]string{"311": "311", "mqttv311": "311", "5": "5", "mqttv5": "5", "mqttsn": "mqttsn"}
	v, ok := versions[t.Version]
	if !ok {
		return fmt.Errorf("-V is %q; use 311, 5 or mqttsn", t.Version)
	}
	t.Version = v
	if len(args) == 1 {
		u, err := url.Parse(args[0])
		if err != nil || u.Hostname() == "" || u.Scheme != "mqtt" && u.Scheme != "mqttsn" {
			return fmt.Errorf("%q is no address; write mqtt://host:port or mqttsn://host:port", args[0])
		}
		if u.Scheme == "mqttsn" {
			t.Version = "mqttsn"
		} else if t.Version == "mqttsn" {
			return errors.New("the address is of MQTT, and -V says mqttsn")
		}
		t.Host = u.Hostname()
		if u.Port() != "" {
			t.Port = u.Port()
		}
	}
	if t.Port == "" {
		t.Port = map[bool]string{true: "1884", false: "1883"}[t.Version == "mqttsn"]
	}
	if t.ClientID == "" {
		t.ClientID = fmt.Sprintf("dormouse-%08x", rand.Uint32())
	}
	return nil
}
