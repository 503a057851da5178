package config

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// variable is what Compose puts in place of ${NAME:-default}.
var variable = regexp.MustCompile(`\$\{[A-Z_]+:-([^}]*)\}`)

func TestCompose_IsAValidConfiguration(t *testing.T) {
	text, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var compose struct {
		Services map[string]struct {
			Image       string
			Environment map[string]string
			Volumes     []string
			Ports       []string
			DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
			Healthcheck struct {
				Disable bool
				Test    []string
			}
		}
		Volumes map[string]any
	}
	if err := yaml.Unmarshal(text, &compose); err != nil {
		t.Fatal(err)
	}
	for name, s := range compose.Services {
		var environ []string
		for key, value := range s.Environment {
			environ = append(environ, key+"="+variable.ReplaceAllString(value, "$1"))
		}
		if strings.HasPrefix(s.Image, "daybook") {
			environ = append(environ, imageEnvironment(t)...)
			if _, warnings, err := Load("", environ); err != nil || len(warnings) > 0 {
				t.Errorf("%s: %v %v", name, warnings, err)
			}
		} else if strings.HasSuffix(s.Image, ":latest") || !strings.Contains(s.Image, ":") {
			t.Errorf("%s: the image %s is not pinned", name, s.Image)
		}
		for _, v := range s.Volumes {
			if volume, _, _ := strings.Cut(v, ":"); !hasKey(compose.Volumes, volume) {
				t.Errorf("%s: the volume %s is not declared", name, volume)
			}
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s: port %s is not on loopback", name, p)
			}
		}
		for other, d := range s.DependsOn {
			on, known := compose.Services[other]
			if !known || d.Condition == "service_healthy" && len(on.Healthcheck.Test) == 0 {
				t.Errorf("%s depends on %s, which does not exist or has no health check", name, other)
			}
		}
	}
	if len(compose.Services) != 4 {
		t.Errorf("%d services", len(compose.Services))
	}
}

func hasKey(m map[string]any, key string) bool {
	_, ok := m[key]
	return ok
}

// imageEnvironment returns what the Dockerfile sets.
func imageEnvironment(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	environ := regexp.MustCompile(`DAYBOOK_[A-Z_]+=[^ \\\n]+`).FindAllString(string(text), -1)
	if !slices.Contains(environ, "DAYBOOK_EMBEDDED_ENABLED=false") {
		t.Errorf("the image does not turn the embedded engines off: %q", environ)
	}
	return environ
}
