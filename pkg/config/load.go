package config

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"
)

// EnvPrefix starts the name of every environment variable that is ours.
const EnvPrefix = "DAYBOOK_"

// DefaultFile is read from the working folder where no file is named.
const DefaultFile = "config.yaml"

// foreignEnv are our environment variables that are no settings.
var foreignEnv = []string{"DAYBOOK_URL", "DAYBOOK_API_KEY", "DAYBOOK_ENGINE"}

// kubernetesEnv are the variables that Kubernetes puts into every pod of a
// namespace with a service named daybook or daybook-something.
var kubernetesEnv = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// keySeparator stands between the parts of a key inside viper. A dot would
// tear apart the keys of maps, which may be event types.
const keySeparator = "\x1f"

// Load reads the settings: defaults, then the file, then the environment. An
// empty file name means DefaultFile where there is one. The error joins every
// fault found, each naming its key; warnings are about variables that look
// like ours but are none.
func Load(file string, environ []string) (c Config, warnings []string, err error) {
	c = Default()
	v, errs := read(file)
	all := leaves(&c)
	errs = append(errs, unknownKeys(v, all)...)
	names, warnings, unknown := checkEnv(environ, all)
	errs = append(errs, unknown...)
	for _, l := range all {
		var raw any
		if v != nil {
			raw = v.value(l)
		}
		if text, ok := names[l.env()]; ok && text != "" {
			raw = text // An empty variable is as good as none, as Compose files set them.
		}
		if raw != nil {
			if err := l.set(raw); err != nil {
				errs = append(errs, err)
			}
		}
	}
	errs = append(errs, c.Validate())
	return c, warnings, errors.Join(errs...)
}

// read returns the file's content, and nil where there is no file to read.
func read(file string) (*content, []error) {
	if file == "" {
		if _, err := os.Stat(DefaultFile); errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		file = DefaultFile
	}
	v := viper.NewWithOptions(viper.KeyDelimiter(keySeparator))
	v.SetConfigFile(file)
	v.SetConfigType("yaml")
	if err := v.ReadInConfig(); err != nil {
		return nil, []error{fmt.Errorf("configuration file %s: %w", file, err)}
	}
	c := &content{Viper: v}
	text, err := os.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(text, &c.verbatim)
	}
	if err != nil {
		return nil, []error{fmt.Errorf("configuration file %s: %w", file, err)}
	}
	return c, nil
}

// content is what a configuration file holds.
type content struct {
	*viper.Viper
	verbatim map[string]any // viper lower-cases the keys of maps, which are event types
}

// value returns what the file says about a setting, nil where it is silent.
func (c *content) value(l leaf) any {
	if isScalar(l) {
		return c.Get(strings.ReplaceAll(l.key, ".", keySeparator))
	}
	var at any = c.verbatim
	for part := range strings.SplitSeq(l.key, ".") {
		section, _ := at.(map[string]any)
		at = section[part]
	}
	return at
}

// unknownKeys returns a fault for every key of the file that is no setting.
func unknownKeys(v *content, all []leaf) []error {
	if v == nil {
		return nil
	}
	var errs []error
	keys := v.AllKeys()
	slices.Sort(keys)
	for _, key := range keys {
		key = strings.ReplaceAll(key, keySeparator, ".")
		known := slices.ContainsFunc(all, func(l leaf) bool {
			return l.key == key || strings.HasPrefix(key, l.key+".") && !isScalar(l)
		})
		switch {
		case known:
		case slices.ContainsFunc(all, func(l leaf) bool { return strings.HasPrefix(l.key, key+".") }):
			if v.Get(strings.ReplaceAll(key, ".", keySeparator)) != nil {
				errs = append(errs, fmt.Errorf("%s: is a section of settings, not a value", key))
			}
		default:
			errs = append(errs, fmt.Errorf("%s: unknown setting%s", key, suggest(key, all, func(l leaf) string { return l.key })))
		}
	}
	return errs
}

func isScalar(l leaf) bool { return !strings.HasPrefix(l.value.Type().String(), "map[") }

// checkEnv returns our variables by name. A name inside a section of ours
// that is no setting is a fault; any other unknown name is only warned of,
// as it may be somebody else's.
func checkEnv(environ []string, all []leaf) (names map[string]string, warnings []string, errs []error) {
	names = map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, EnvPrefix) || slices.Contains(foreignEnv, name) {
			continue
		}
		if slices.ContainsFunc(all, func(l leaf) bool { return l.env() == name }) {
			names[name] = value
			continue
		}
		if kubernetesEnv.MatchString(name) {
			continue
		}
		hint := suggest(name, all, leaf.env)
		inSection := slices.ContainsFunc(all, func(l leaf) bool {
			section, _, _ := strings.Cut(l.key, ".")
			return strings.HasPrefix(name, envName(section)+"_")
		})
		if inSection {
			errs = append(errs, fmt.Errorf("%s: unknown setting in the environment%s", name, hint))
		} else {
			warnings = append(warnings, fmt.Sprintf("%s in the environment is no setting of Daybook%s", name, hint))
		}
	}
	return names, warnings, errs
}

// suggest names the setting nearest to what was written, if one is near.
func suggest(written string, all []leaf, name func(leaf) string) string {
	best, distance := "", 4
	for _, l := range all {
		if d := editDistance(written, name(l)); d < distance {
			best, distance = name(l), d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// editDistance counts the letters to add, drop or change to make b of a.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
