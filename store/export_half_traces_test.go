package store

import "context"

// JoinHalvesSQL are the statements that give rows their whole ids.
var JoinHalvesSQL = joinHalvesSQL

// JoinLateHalves runs the upkeep task.
func JoinLateHalves(ctx context.Context, s *Store) error { return s.joinLateHalves(ctx) }
