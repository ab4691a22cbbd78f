package reconcile

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

// Publisher turns each set of objects into what is served. One goroutine at a
// time may use it. Its fields must not change once it is in use.
type Publisher struct {
	// Settings are the flags that decide how objects are read. Now is set by
	// the Publisher.
	Settings translate.Settings
	// Publish takes a new configuration and its endpoints into service. When
	// it fails the previous ones must still be in service.
	Publish func(*model.Config, model.Endpoints, []model.Problem) error
	// PublishEndpoints replaces the endpoints of the configuration in service.
	PublishEndpoints func(model.Endpoints)
	// Observe is told what came of each set of objects, with the error of
	// Publish: the status writer's Observe. It may be nil.
	Observe func(*translate.Objects, []model.Problem, error)
	// Log is where failures go.
	Log *slog.Logger

	builder   translate.Builder
	endpoints translate.EndpointFinder
	// config is the configuration in service, nil before the first.
	config *model.Config
	// problems and err are what Observe was told last.
	problems []model.Problem
	err      error
}

// Objects builds the configuration of objs and publishes it. A failure is
// logged and told to Observe, and what was in service before stays there, with
// the endpoints that objs gives to it.
func (p *Publisher) Objects(objs *translate.Objects) {
	config, problems, err := p.build(objs)
	if err == nil {
		err = p.publish(objs, config, problems)
	}
	if err != nil {
		p.Log.Error("the configuration cannot be published, the previous one stays in use", "err", err)
		// Its endpoints follow the cluster all the same: the change may have
		// come together with one of theirs, which nobody tells again.
		p.Endpoints(objs)
	} else {
		p.config = config
	}
	p.problems, p.err = problems, err
	p.Status(objs)
}

func (p *Publisher) build(objs *translate.Objects) (config *model.Config, problems []model.Problem, err error) {
	defer recovered(&err)
	settings := p.Settings
	settings.Now = time.Now()
	p.endpoints.Zone = settings.EndpointZone()
	config, problems = p.builder.Build(objs, settings)
	return config, problems, nil
}

func (p *Publisher) publish(objs *translate.Objects, config *model.Config, problems []model.Problem) (err error) {
	defer recovered(&err)
	return p.Publish(config, p.endpoints.Of(objs, config), problems)
}

// recovered turns a panic into an error. Whoever may write an Ingress could
// otherwise end the process, and all traffic with it, by finding one mistake.
func recovered(err *error) {
	if cause := recover(); cause != nil {
		*err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
	}
}

// Endpoints publishes the endpoints that objs gives to the configuration in
// service.
func (p *Publisher) Endpoints(objs *translate.Objects) {
	if p.config == nil {
		return
	}
	if err := p.publishEndpoints(objs); err != nil {
		p.Log.Error("the endpoints cannot be published, the previous ones stay in use", "err", err)
	}
}

func (p *Publisher) publishEndpoints(objs *translate.Objects) (err error) {
	defer recovered(&err)
	p.PublishEndpoints(p.endpoints.Of(objs, p.config))
	return nil
}

// Status tells Observe of objs when only what it writes itself has changed.
func (p *Publisher) Status(objs *translate.Objects) {
	if p.Observe != nil {
		p.Observe(objs, p.problems, p.err)
	}
}

// serves tells which of these Services the configuration in service sends
// requests to.
func (p *Publisher) serves(services map[types.NamespacedName]struct{}) bool {
	if p.config == nil || len(services) == 0 {
		return false
	}
	for i := range p.config.Upstreams {
		key := &p.config.Upstreams[i].Key
		if _, ok := services[types.NamespacedName{Namespace: key.Namespace, Name: key.Service}]; ok {
			return true
		}
	}
	return false
}

func (p *Publisher) validate() error {
	if p.Publish == nil || p.PublishEndpoints == nil || p.Log == nil {
		return errors.New("reconcile: a Publisher needs Publish, PublishEndpoints and Log")
	}
	return nil
}
