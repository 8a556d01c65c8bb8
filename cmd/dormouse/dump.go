package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/cmd/internal/dump"
)

func init() { commands = append(commands, newDump) }

const dumpHelp = `Decode MQTT and MQTT-SN and print a line for each packet.

HEX is octets such as 3005000161 6869, 30:05:00 or 0x30 0x05. Each argument, and
each line of standard input, is one MQTT-SN datagram, or a stretch of an MQTT
stream that begins with a packet. In lines, what follows a # is passed over.
Without --mqtt or --mqttsn the protocol is guessed, and the line says so: MQTT-SN
if its length octets count all that is there, MQTT if whole packets fill it; if
both do, the one without a fault, else MQTT; if neither does, MQTT-SN if the first
octet is below 0x10, else MQTT.

A capture is a pcap or pcapng file, maybe in gzip, of Ethernet, Linux "any" (SLL,
SLL2), IP or loopback: from -r, or from standard input, where it is recognised by
its first octets. TCP streams are put together again and fragments joined; all UDP
on an MQTT-SN port is MQTT-SN. A TCP stream that begins with a CONNECT is MQTT on
any port. MQTT over TLS and over WebSocket are not decoded.

The version of MQTT is the one of the CONNECT. Until there is one it is that of
--mqtt-version, else 3.1.1 or, from the first packet on that only 5.0 allows, 5.0;
then a ? follows it. After octets that the capture lacks, and in a stream that it
joins in the middle, decoding goes on with the first run of segments that is whole
packets. Up to 65,536 connections, 62 MiB of segments that wait for a missing one
and 64 MiB of unfinished packets are kept; a packet of over 16 MiB is passed over.

Times in text are seconds since the capture's first frame. With --json they are
absolute, and octets that are no UTF-8 are in hex, under a key that ends in _hex.
Everything is shown: user names, passwords and payloads too.

The exit code is 0 if all was decoded, 1 if something was malformed, missing or
could not be read, and 2 for a wrong command line.`

func newDump() *cobra.Command {
	var o dumpFlags
	c := &cobra.Command{
		Use:   "dump [HEX ...]",
		Short: "Decode packets from hex or from a capture",
		Long:  dumpHelp,
		Example: `  dormouse dump 090c62616200006869 300700036c616d706f
  dormouse dump --mqtt-version 5.0 '40 04 00 07 87 00'
  dormouse dump -r capture.pcapng --json
  tcpdump -U -i any -w - 'tcp port 1883 or udp port 1884' | dormouse dump`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			options, err := o.options()
			if err != nil {
				return usageError{err}
			}
			if len(args) == 0 && len(o.files) == 0 {
				if f, ok := c.InOrStdin().(*os.File); ok && isTerminal(f) {
					return usageError{errors.New("there is nothing to decode; give hex, a capture with -r, or either on standard input")}
				}
				args = []string{"-"}
			}
			return o.run(c, dump.New(c.OutOrStdout(), options), args)
		},
	}
	f := c.Flags()
	f.StringArrayVarP(&o.files, "pcap", "r", nil, "a capture to read; repeat for more")
	f.BoolVar(&o.json, "json", false, "print an object a line")
	f.BoolVar(&o.full, "full", false, "do not cut payloads of over 256 octets in text")
	f.BoolVar(&o.mqtt, "mqtt", false, "hex is MQTT")
	f.BoolVar(&o.mqttsn, "mqttsn", false, "hex is MQTT-SN")
	f.StringVar(&o.version, "mqtt-version", "", "version of MQTT until a CONNECT says it: 3.1, 3.1.1 or 5.0")
	f.UintSliceVar(&o.mqttPorts, "mqtt-port", []uint{1883}, "TCP port of MQTT in captures; repeat for more")
	f.UintSliceVar(&o.mqttsnPorts, "mqttsn-port", []uint{1884}, "UDP port of MQTT-SN in captures; repeat for more")
	return c
}

type dumpFlags struct {
	files                  []string
	json, full             bool
	mqtt, mqttsn           bool
	version                string
	mqttPorts, mqttsnPorts []uint
}

// options checks the flags.
func (o *dumpFlags) options() (out dump.Options, err error) {
	out = dump.Options{JSON: o.json, Full: o.full}
	switch {
	case o.mqtt && o.mqttsn:
		return out, errors.New("--mqtt and --mqttsn exclude each other; leave one out")
	case o.mqtt:
		out.Protocol = dump.MQTT
	case o.mqttsn:
		out.Protocol = dump.MQTTSN
	}
	if o.version != "" {
		known := map[string]mqtt.Version{"3.1": mqtt.V31, "3.1.1": mqtt.V311, "5": mqtt.V5, "5.0": mqtt.V5}
		if out.Version = known[o.version]; out.Version == 0 {
			return out, fmt.Errorf("--mqtt-version is %q; use 3.1, 3.1.1 or 5.0", o.version)
		}
	}
	if out.MQTTPorts, err = portsOf("--mqtt-port", o.mqttPorts); err != nil {
		return out, err
	}
	out.MQTTSNPorts, err = portsOf("--mqttsn-port", o.mqttsnPorts)
	return out, err
}

func portsOf(flag string, given []uint) (out []uint16, err error) {
	for _, port := range given {
		if port < 1 || port > 65535 {
			return nil, fmt.Errorf("%s is %d; use 1 to 65535", flag, port)
		}
		out = append(out, uint16(port))
	}
	return out, nil
}

// run decodes the captures and then the arguments.
func (o *dumpFlags) run(c *cobra.Command, d *dump.Dumper, args []string) error {
	for _, name := range o.files {
		if err := dumpFile(c, d, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, arg := range args {
		if arg == "-" {
			if err := d.Read(c.InOrStdin()); err != nil {
				return fmt.Errorf("standard input: %w", err)
			}
		} else if err := d.Hex(arg); err != nil {
			return usageError{err}
		}
	}
	switch {
	case d.Packets() == 0 && d.Faults() == 0:
		fmt.Fprintln(c.ErrOrStderr(), "dormouse: no packets were found; captures are searched on the ports of --mqtt-port and --mqttsn-port")
	case d.Faults() > 0:
		return exitCode(exitError)
	}
	return nil
}

func dumpFile(c *cobra.Command, d *dump.Dumper, name string) error {
	if name == "-" {
		return d.Capture(c.InOrStdin())
	}
	f, err := os.Open(name)
	if err != nil {
		return errors.Unwrap(err) // the name stands before it
	}
	defer f.Close()
	return d.Capture(io.Reader(f))
}
