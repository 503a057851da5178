package preset

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/stretchr/testify/require"

	"daybook/pkg/apierror"
	"daybook/query/querytest"
)

// atOnce runs what several nodes do at once and returns their errors.
func atOnce(t *testing.T, nodes int, do func(s *Service, node int) error) []error {
	t.Helper()
	conn := querytest.Open(t)
	errs := make([]error, nodes)
	var start, done sync.WaitGroup
	start.Add(1)
	for node := range nodes {
		s := newService(conn)
		done.Go(func() {
			start.Wait()
			errs[node] = do(s, node)
		})
	}
	start.Done()
	done.Wait()
	return errs
}

func TestRace_OneNameOnce(t *testing.T) {
	var won atomic.Int32
	for _, err := range atOnce(t, 8, func(s *Service, node int) error {
		_, err := s.Create(t.Context(), jane, change([]string{"Same", "SAME", "same"}[node%3], `{}`, false))
		return err
	}) {
		if err == nil {
			won.Add(1)
			continue
		}
		requireKind(t, apierror.KindConflict, err)
	}
	require.EqualValues(t, 1, won.Load())
}

// Whoever was told that a change was made finds it there: of each version one
// change has come, and the others were refused.
func TestRace_NoChangeIsLost(t *testing.T) {
	var mu sync.Mutex
	made := map[uint64]string{}
	var last *Service
	for _, err := range atOnce(t, 6, func(s *Service, node int) error {
		for round := range 5 {
			p, err := s.Get(t.Context(), jane, Starting[0].ID)
			if err != nil {
				return err
			}
			name := fmt.Sprintf("node %d round %d", node, round)
			p, err = s.Update(t.Context(), jane, p.ID, ExpectVersion(p.Version), change(name, `{}`, true))
			mu.Lock()
			last = s
			if err == nil {
				if before, twice := made[p.Version]; twice {
					t.Errorf("version %d is both %s and %s", p.Version, before, name)
				}
				made[p.Version] = name
			} else if apierror.From(err).Kind != apierror.KindPrecondition {
				t.Error(err)
			}
			mu.Unlock()
		}
		return nil
	}) {
		require.NoError(t, err)
	}
	p, err := last.Get(t.Context(), jane, Starting[0].ID)
	require.NoError(t, err)
	require.Equal(t, made[p.Version], p.Name)
	require.Len(t, made, int(p.Version)-1, "no version between was made by nobody")
}

func TestRace_DifferentNamesAllSucceed(t *testing.T) {
	var s *Service
	for _, err := range atOnce(t, 8, func(node *Service, i int) error {
		_, err := node.Create(t.Context(), jane, change(fmt.Sprintf("preset %d", i), `{}`, false))
		if i == 0 {
			s = node
		}
		return err
	}) {
		require.NoError(t, err)
	}
	list, err := s.List(t.Context(), jane)
	require.NoError(t, err)
	require.Len(t, list, 8+len(Starting))
}

// A server that dies between a token and its row leaves a number that nobody
// can take with that token.
func TestRace_TokenWithoutRow(t *testing.T) {
	s := open(t)
	for try := range 2 {
		require.NoError(t, add(t.Context(), s.conn, "acme", row{seq: 1, writer: "x", Preset: Preset{ID: strconv.Itoa(try), Version: 1}}, try))
		sync := chgo.Context(t.Context(), chgo.WithSettings(chgo.Settings{"mutations_sync": 2}))
		require.NoError(t, s.conn.Exec(sync, "ALTER TABLE presets DELETE WHERE 1"))
	}
	_, err := s.Create(t.Context(), jane, change("x", `{}`, false))
	require.NoError(t, err)
	_, err = s.Create(t.Context(), jane, change("y", `{}`, false))
	require.NoError(t, err)
}

// A client that wakes up when its token is long forgotten changes nothing.
func TestRace_TokenForgotten(t *testing.T) {
	s := open(t)
	p, err := s.Create(t.Context(), jane, change("x", `{}`, false))
	require.NoError(t, err)
	require.NoError(t, add(t.Context(), s.conn, "acme", row{seq: 1, writer: "late", Preset: Preset{ID: p.ID, Version: 9, Name: "late"}}, 77))
	read, err := s.Get(t.Context(), jane, p.ID)
	require.NoError(t, err)
	require.Equal(t, p, read)
}
