// Package simulation is package storm with fleets of processes that have just been born, and a store: what each process
// does is package fleet's own, and so is the script that the store runs. Only the network between them is not there.
package simulation

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"

	"github.com/seed-e3550de8/retry/fleet/internal/bucket"
	"github.com/seed-e3550de8/retry/fleet/internal/ledger"
)

// A store runs the script in virtual time. It has one key.
type store struct {
	clock    func() time.Time
	rules    bucket.Rules
	from, to time.Time // when it is away; it has forgotten everything after that
	asked    map[int]int
	begin    time.Time // of second 0 of asked

	state  *lua.LState
	script *lua.FunctionProto
	args   *lua.LTable
	fields map[string]lua.LValue
}

var errAway = errors.New("the store is away")

func newStore(clock func() time.Time, begin time.Time) *store {
	s := &store{
		clock: clock, begin: begin, rules: bucket.Rules{Window: 15 * time.Second, Floor: 5, Ratio: 0.1},
		asked: map[int]int{}, state: lua.NewState(), fields: map[string]lua.LValue{},
	}
	s.script = compile(bucket.Script)
	s.args = s.state.NewTable()
	keys := s.state.NewTable()
	keys.Append(lua.LString("key"))
	s.state.SetGlobal("KEYS", keys)
	s.state.SetGlobal("ARGV", s.args)
	redis := s.state.NewTable()
	redis.RawSetString("call", s.state.NewFunction(s.call))
	s.state.SetGlobal("redis", redis)
	return s
}

func compile(source string) *lua.FunctionProto {
	chunk, err := parse.Parse(strings.NewReader(source), "bucket.lua")
	if err != nil {
		panic(err)
	}
	script, err := lua.Compile(chunk, "bucket.lua")
	if err != nil {
		panic(err)
	}
	return script
}

// Ask runs the script, unless the store is away.
func (s *store) Ask(_ context.Context, _ string, q ledger.Question) (ledger.Answer, error) {
	now := s.clock()
	s.asked[int(now.Sub(s.begin)/time.Second)]++
	if !now.Before(s.from) && now.Before(s.to) {
		clear(s.fields)
		return ledger.Answer{}, errAway
	}
	for i, arg := range s.rules.Args(q) {
		s.args.RawSetInt(i+1, lua.LString(fmt.Sprint(arg)))
	}
	s.state.Push(s.state.NewFunctionFromProto(s.script))
	if err := s.state.PCall(0, 1, nil); err != nil {
		return ledger.Answer{}, err
	}
	values, _ := s.state.Get(-1).(*lua.LTable)
	s.state.Pop(1)
	var list []any
	values.ForEach(func(_, v lua.LValue) { list = append(list, v.String()) })
	return bucket.Answer(list)
}

// call is the commands that the script uses.
func (s *store) call(l *lua.LState) int {
	reply := l.NewTable()
	switch l.CheckString(1) {
	case "TIME":
		now := s.clock()
		reply.Append(lua.LString(strconv.FormatInt(now.Unix(), 10)))
		reply.Append(lua.LString(strconv.Itoa(now.Nanosecond() / 1000)))
	case "HMGET":
		for i := 3; i <= l.GetTop(); i++ {
			v, ok := s.fields[l.CheckString(i)]
			if !ok {
				v = lua.LFalse
			}
			reply.Append(v)
		}
	case "HSET":
		for i := 3; i < l.GetTop(); i += 2 {
			s.fields[l.CheckString(i)] = l.Get(i + 1)
		}
	case "PEXPIRE":
	default:
		l.RaiseError("the simulation has no %s", l.CheckString(1))
	}
	l.Push(reply)
	return 1
}

// sum is how often the store was asked in the seconds of [from, to), or since the beginning if that is negative.
func (s *store) sum(from, to int) (n int) {
	for second, asked := range s.asked {
		if second >= from && second < to {
			n += asked
		}
	}
	return n
}
