//go:build !linux

package main

import "errors"

func serve(mqtt, mqttsn string) error {
	return errors.New("built on epoll, recvmmsg and sendmmsg: it runs on Linux only")
}
