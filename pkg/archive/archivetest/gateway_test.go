package archivetest_test

import (
	"os"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"daybook/pkg/archive/archivetest"
)

func TestGateway(t *testing.T) {
	g := archivetest.Start(t)
	p := g.Place("events-of-a-test")
	g.Stop()
	g.Run()
	client, err := minio.New(g.Addr, &minio.Options{Creds: credentials.NewStaticV4(p.AccessKey, p.SecretKey, "")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.FPutObject(t.Context(), p.Bucket, "a/b.txt", "gateway_test.go", minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(g.File(p, "a/b.txt")); err != nil {
		t.Error(err)
	}
	wrong, err := minio.New(g.Addr, &minio.Options{Creds: credentials.NewStaticV4(p.AccessKey, "wrong", "")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wrong.StatObject(t.Context(), p.Bucket, "a/b.txt", minio.StatObjectOptions{}); err == nil {
		t.Error("a wrong secret is accepted")
	}
}
