package archive

import "context"

func (r *Runner) expire(ctx context.Context) (int, error) { return 0, nil }
