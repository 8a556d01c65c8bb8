package pubsub

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// A Target says where to connect to, and as whom.
type Target struct {
	URL           string
	Host, Port    string
	Version       string // 311, 5 or mqttsn
	ClientID      string
	User          string
	Password      string
	KeepAlive     uint16 // seconds
	KeepSession   bool
	SessionExpiry uint32 // seconds
	Predefined    map[uint16]string
	Debug         bool

	predefined []string
}

// Register adds the flags that pub and sub share, named as mosquitto's.
func (t *Target) Register(f *pflag.FlagSet) {
	f.StringVarP(&t.URL, "url", "L", "", "mqtt://[user:password@]host[:port][/topic] or mqttsn://host[:port][/topic]")
	f.StringVarP(&t.Host, "host", "h", "localhost", "host of the server")
	f.StringVarP(&t.Port, "port", "p", "", "its port (1883; of MQTT-SN 1884)")
	f.StringVarP(&t.Version, "protocol-version", "V", "311", "311, 5 (also mqttv311, mqttv5) or mqttsn")
	f.StringVarP(&t.ClientID, "id", "i", "", "client id (one made at random)")
	f.StringVarP(&t.User, "username", "u", "", "user name")
	f.StringVarP(&t.Password, "pw", "P", "", "password")
	f.Uint16VarP(&t.KeepAlive, "keepalive", "k", 60, "seconds after which a sign of life is sent; 0: never")
	f.StringArrayVar(&t.predefined, "predefined", nil, "a predefined topic of MQTT-SN, ID=TOPIC; repeat for more")
	f.BoolVarP(&t.Debug, "debug", "d", false, "print each packet on standard error")
	f.Bool("help", false, "help") // -h is the host
}

func (t *Target) keepAlive() time.Duration { return time.Duration(t.KeepAlive) * time.Second }

// versions are the names of protocols that -V knows.
var versions = map[string]string{"311": "311", "mqttv311": "311", "5": "5", "mqttv5": "5", "mqttsn": "mqttsn"}

// Complete reads the URL, if one is given, and fills what is missing. It
// returns the topic that the URL names; empty: none.
func (t *Target) Complete(args []string) (topic string, err error) {
	v, ok := versions[t.Version]
	if !ok {
		return "", fmt.Errorf("-V is %q; use 311, 5 or mqttsn", t.Version)
	}
	t.Version = v
	if len(args) == 1 {
		if t.URL != "" {
			return "", errors.New("there are two addresses; leave -L out")
		}
		t.URL = args[0]
	}
	if t.URL != "" {
		if topic, err = t.readURL(); err != nil {
			return "", err
		}
	}
	if t.Port == "" {
		t.Port = map[bool]string{true: "1884", false: "1883"}[t.Version == "mqttsn"]
	}
	if t.ClientID == "" {
		t.ClientID = fmt.Sprintf("dormouse-%08x", rand.Uint32())
	}
	return topic, t.check()
}

func (t *Target) readURL() (topic string, err error) {
	u, err := url.Parse(t.URL)
	if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Scheme != "mqtt" && u.Scheme != "mqttsn" {
		return "", fmt.Errorf("%q is no address; write mqtt://host:port or mqttsn://host:port", t.URL)
	}
	if u.Scheme == "mqttsn" {
		t.Version = "mqttsn"
	} else if t.Version == "mqttsn" {
		return "", errors.New("the address is of MQTT, and -V says mqttsn")
	}
	t.Host = u.Hostname()
	if u.Port() != "" {
		t.Port = u.Port()
	}
	if u.User != nil {
		t.User = u.User.Username()
		t.Password, _ = u.User.Password()
	}
	return strings.TrimPrefix(u.Path, "/"), nil
}

// check says what the protocol cannot do, rather than not to do it.
func (t *Target) check() error {
	sn := t.Version == "mqttsn"
	switch {
	case sn && (t.User != "" || t.Password != ""):
		return errors.New("MQTT-SN 1.2 knows no user name and password; leave -u and -P out")
	case t.Version == "311" && t.Password != "" && t.User == "":
		return errors.New("-P needs a user name; give one with -u")
	case t.SessionExpiry > 0 && t.Version != "5":
		return errors.New("-x is of MQTT 5.0; add -V 5")
	case len(t.predefined) > 0 && !sn:
		return errors.New("--predefined is of MQTT-SN; leave it out")
	}
	if t.KeepSession && t.Version == "5" && t.SessionExpiry == 0 {
		t.SessionExpiry = math.MaxUint32 // without it 5.0 would keep nothing
	}
	for _, p := range t.predefined {
		text, topic, ok := strings.Cut(p, "=")
		id, err := strconv.ParseUint(text, 10, 16)
		if !ok || err != nil || id == 0 || id == math.MaxUint16 || topic == "" { // 0 and 0xFFFF are reserved (5.3.11)
			return fmt.Errorf("--predefined is %q; write ID=TOPIC, as in 7=sensors/kitchen", p)
		}
		if t.Predefined == nil {
			t.Predefined = map[uint16]string{}
		}
		t.Predefined[uint16(id)] = topic
	}
	return nil
}
