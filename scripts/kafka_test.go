package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKafka(t *testing.T) {
	for name, test := range map[string]struct {
		maven string // in the folder that the jars are to be in
		says  string
		fails bool
	}{
		"as pinned":      {"echo one >a.jar; echo two >b.jar", "Apache Kafka 4.1.0 is in", false},
		"another jar":    {"echo bad >a.jar; echo two >b.jar", "a jar has the wrong hash or is missing; nothing was installed", true},
		"a jar is left":  {"echo one >a.jar", "a jar has the wrong hash or is missing; nothing was installed", true},
		"a jar too many": {"echo one >a.jar; echo two >b.jar; echo more >c.jar", "jars that kafka.sha256 does not name; nothing was installed: c.jar", true},
		"Maven fails":    {"echo '[ERROR] network is down'; exit 1", "[ERROR] network is down\nkafka: Maven could not fetch Apache Kafka 4.1.0; nothing was installed", true},
	} {
		t.Run(name, func(t *testing.T) {
			dir, cache, bin := t.TempDir(), t.TempDir(), t.TempDir()
			for _, script := range []string{"kafka.sh", "fetch.sh"} {
				text, err := os.ReadFile(script)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(filepath.Join(dir, script), text, 0o600))
			}
			const pins = "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806  a.jar\n" +
				"27dd8ed44a83ff94d557f9fd0412ed5a8cbca69ea04922d88c01184a07300a5a  b.jar\n"
			require.NoError(t, os.WriteFile(filepath.Join(dir, "kafka.sha256"), []byte(pins), 0o600))
			maven := "#!/bin/sh\nfor a; do case $a in -DoutputDirectory=*) d=${a#*=};; esac; done\nmkdir -p $d; cd $d\n" + test.maven + "\n"
			require.NoError(t, os.WriteFile(filepath.Join(bin, "mvn"), []byte(maven), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(bin, "java"), []byte("#!/bin/sh\n"), 0o700))
			command := exec.CommandContext(t.Context(), "bash", filepath.Join(dir, "kafka.sh"))
			command.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "XDG_CACHE_HOME="+cache)
			out, err := command.CombinedOutput()
			require.Equal(t, test.fails, err != nil, "%s", out)
			require.Contains(t, string(out), test.says)

			folder := filepath.Join(cache, "daybook", "kafka-4.1.0")
			var left []string
			entries, err := os.ReadDir(folder)
			require.NoError(t, err)
			for _, e := range entries {
				left = append(left, e.Name())
			}
			if test.fails {
				require.Equal(t, "lock", strings.Join(left, " "))
			} else {
				require.Equal(t, "lib lock", strings.Join(left, " "))
			}
		})
	}
}
