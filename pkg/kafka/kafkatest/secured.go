package kafkatest

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"testing"

	"github.com/segmentio/kafka-go"

	"daybook/pkg/clienttls"
	"daybook/pkg/clienttls/tlstest"
	daybookkafka "daybook/pkg/kafka"
)

// User and password of everyone who signs in to Secured.
const (
	User     = "daybook"
	Password = "correct horse"
)

// Secured is an Apache Kafka whose clients sign in over TLS, and may do what they
// were allowed to and nothing else. What this package does for a test needs neither.
type Secured struct {
	*Apache

	Files tlstest.Files
}

// secured are a broker's listeners for such clients, as its settings want them.
type secured struct {
	User, Password, KeyStore, TrustStore string
	SASL, Mutual                         string // addresses
}

// ApacheSecured starts such a broker, and ends it with the test.
func ApacheSecured(t testing.TB) *Secured {
	t.Helper()
	files := tlstest.Make(t, User)
	broker := makeNodes(t, 1, &secured{User: User, Password: Password, KeyStore: files.ServerStore, TrustStore: files.CA})[0]
	if err := broker.Start(); err != nil {
		t.Fatalf("start Apache Kafka: %v", err)
	}
	return &Secured{broker, files}
}

// SASL returns settings with topics of the test's own, over TLS and with a user's
// password.
func (s *Secured) SASL(t testing.TB, mechanism string) daybookkafka.Config {
	t.Helper()
	s.setPassword(t, mechanism)
	config := s.through(t, s.secured.SASL)
	config.SASL = daybookkafka.SASL{Mechanism: mechanism, Username: User, Password: Password}
	return config
}

// Mutual returns settings with topics of the test's own, over TLS and with a client's
// certificate.
func (s *Secured) Mutual(t testing.TB) daybookkafka.Config {
	t.Helper()
	config := s.through(t, s.secured.Mutual)
	config.TLS.Cert, config.TLS.Key = s.Files.Client.Cert, s.Files.Client.Key
	return config
}

func (s *Secured) through(t testing.TB, addr string) daybookkafka.Config {
	t.Helper()
	config := s.Config(t)
	goAround(t, addr, s.addr)
	config.Brokers = []string{addr}
	config.TLS = clienttls.Config{Enabled: true, CA: s.Files.CA}
	return config
}

// setPassword gives the broker what it needs to know for SCRAM (RFC 5802), which is not
// the password.
func (s *Secured) setPassword(t testing.TB, mechanism string) {
	t.Helper()
	name, of := kafka.ScramMechanismSha512, sha512.New
	switch mechanism {
	case "plain": // It knows from its settings.
		return
	case "scram-sha-256":
		name, of = kafka.ScramMechanismSha256, sha256.New
	}
	ask(t, daybookkafka.Config{Brokers: []string{s.addr}}, "set a password", func(ctx context.Context, client *kafka.Client) error {
		const iterations = 4096
		salt := make([]byte, 16)
		_, _ = rand.Read(salt) // It never fails.
		salted, err := pbkdf2.Key(of, Password, salt, iterations, of().Size())
		if err != nil {
			return err
		}
		answer, err := client.AlterUserScramCredentials(ctx, &kafka.AlterUserScramCredentialsRequest{Upsertions: []kafka.UserScramCredentialsUpsertion{
			{Name: User, Mechanism: name, Iterations: iterations, Salt: salt, SaltedPassword: salted},
		}})
		if err != nil {
			return err
		}
		return answer.Results[0].Error
	})
}

// ACL is what a user is allowed, of a topic, a group, or the cluster.
type ACL struct {
	Kind kafka.ResourceType
	Name string
	Does kafka.ACLOperationType
}

// Allow lets the user do something from now on.
func (s *Secured) Allow(t testing.TB, acls ...ACL) {
	t.Helper()
	request := &kafka.CreateACLsRequest{}
	for _, a := range acls {
		request.ACLs = append(request.ACLs, kafka.ACLEntry{
			ResourceType: a.Kind, ResourceName: a.Name, ResourcePatternType: kafka.PatternTypeLiteral,
			Principal: "User:" + User, Host: "*", Operation: a.Does, PermissionType: kafka.ACLPermissionTypeAllow,
		})
	}
	ask(t, daybookkafka.Config{Brokers: []string{s.addr}}, "allow", func(ctx context.Context, client *kafka.Client) error {
		answer, err := client.CreateACLs(ctx, request)
		if err != nil {
			return err
		}
		return errors.Join(answer.Errors...)
	})
}

// Forbid takes back what Allow has allowed.
func (s *Secured) Forbid(t testing.TB, acls ...ACL) {
	t.Helper()
	request := &kafka.DeleteACLsRequest{}
	for _, a := range acls {
		request.Filters = append(request.Filters, kafka.DeleteACLsFilter{
			ResourceTypeFilter: a.Kind, ResourceNameFilter: a.Name, ResourcePatternTypeFilter: kafka.PatternTypeLiteral,
			PrincipalFilter: "User:" + User, HostFilter: "*", Operation: a.Does, PermissionType: kafka.ACLPermissionTypeAllow,
		})
	}
	ask(t, daybookkafka.Config{Brokers: []string{s.addr}}, "forbid", func(ctx context.Context, client *kafka.Client) error {
		answer, err := client.DeleteACLs(ctx, request)
		if err != nil {
			return err
		}
		for _, r := range answer.Results {
			if r.Error != nil {
				return r.Error
			}
		}
		return nil
	})
}

// Needed is what Daybook must be allowed where its topics exist, as its documentation
// says.
func Needed(c daybookkafka.Config) []ACL {
	const topic, group = kafka.ResourceTypeTopic, kafka.ResourceTypeGroup
	return []ACL{
		{topic, c.Topic, kafka.ACLOperationTypeRead},
		{topic, c.Topic, kafka.ACLOperationTypeWrite},
		{topic, c.DeadLetterTopic, kafka.ACLOperationTypeRead},
		{topic, c.DeadLetterTopic, kafka.ACLOperationTypeWrite},
		{group, c.Group, kafka.ACLOperationTypeRead},
		{group, c.Group + ".keeper", kafka.ACLOperationTypeRead},
	}
}
