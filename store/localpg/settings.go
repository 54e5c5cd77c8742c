package localpg

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// serverArgs returns the postmaster's arguments. Settings go on the command line, where they
// go before the cluster's own files: a cluster made by an older Plait runs as this one wants.
func (c *cluster) serverArgs() []string {
	settings := c.serverSettings()
	maps.Copy(settings, c.settings)
	args := []string{"-D", c.pgDir}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

// serverSettings are those that suit a gateway's own Postgres, by name.
func (c *cluster) serverSettings() map[string]string {
	return map[string]string{
		"cluster_name": c.mark, // Postgres puts it in the title of each process

		"hba_file":                c.accessFile(),
		"listen_addresses":        c.listenHost,
		"port":                    c.port,
		"unix_socket_directories": quotePath(c.socketDir),
		"unix_socket_permissions": "0700",
		"max_connections":         "50",

		// Modest, because Plait runs beside what it watches. Telemetry is written once,
		// in order, and read mostly while the system's cache has it.
		"shared_buffers":             "128MB",
		"work_mem":                   "16MB",
		"maintenance_work_mem":       "128MB",
		"autovacuum_work_mem":        "32MB", // each of three workers may take as much
		"dynamic_shared_memory_type": sharedMemory(),
		// A query over many daily partitions locks each with its indexes.
		"max_locks_per_transaction": "256",

		// What is acknowledged is on disk.
		"fsync":              "on",
		"synchronous_commit": "on",
		"full_page_writes":   "on",
		// Checkpoints far apart write less; 2 GB bounds the disk and the recovery.
		"checkpoint_timeout":           "15min",
		"checkpoint_completion_target": "0.9",
		"max_wal_size":                 "2GB",
		"min_wal_size":                 "256MB",
		"wal_buffers":                  "16MB",
		"wal_level":                    "minimal",
		"max_wal_senders":              "0",
		"wal_compression":              c.compression,
		"default_toast_compression":    c.compression,

		"autovacuum":       "on",
		"jit":              "off", // costs more than it saves in queries of milliseconds
		"random_page_cost": "1.1",
		"timezone":         "UTC",

		// One file a weekday, each at most a day long.
		"logging_collector":        "on",
		"log_directory":            c.logDir,
		"log_filename":             "postgres-%a.log",
		"log_file_mode":            "0600",
		"log_rotation_age":         "1d",
		"log_rotation_size":        "0",
		"log_truncate_on_rotation": "on",
		"log_timezone":             "UTC",
		"log_line_prefix":          "%m [%p] ",
		"log_checkpoints":          "off",
		// Statements carry users' telemetry, which does not belong in a log.
		"log_min_error_statement": "panic",
		"log_error_verbosity":     "default",
	}
}

// chooseCompression returns lz4 where the server was built with it, which costs a third of what
// pglz does.
func (c *cluster) chooseCompression(ctx context.Context) (string, error) {
	const asking = "wal_compression"
	if _, err := c.run(ctx, "postgres", "-D", c.pgDir, "-C", asking, "-c", asking+"=lz4"); err == nil {
		return "lz4", nil
	}
	output, err := c.run(ctx, "postgres", "-D", c.pgDir, "-C", asking, "-c", asking+"=pglz")
	if err != nil {
		return "", fmt.Errorf("ask the server how it compresses: %w: %s", err, strings.TrimSpace(output))
	}
	return "pglz", nil
}

// quotePath quotes one path for a setting that is a list of paths.
func quotePath(path string) string { return `"` + strings.ReplaceAll(path, `"`, `""`) + `"` }
