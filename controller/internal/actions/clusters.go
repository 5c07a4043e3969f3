package actions

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
)

func ofCluster(c fleet.Cluster) subject {
	return subject{"cluster", uuid.UUID(c.ID), c.Name, authz.Target{Cluster: c.ID}}
}

// NewCluster is what CreateCluster takes.
type NewCluster struct {
	Name        string
	Description string
	Watching
	Key string `json:"-"` // Idempotency-Key
}

// CreateCluster adds a cluster.
func (s *Service) CreateCluster(ctx context.Context, actor authz.Actor, in NewCluster) (fleet.Cluster, error) {
	c := fleet.Cluster{
		ID: id.New[id.ClusterID](), Name: in.Name, Description: in.Description, Profile: lease.NameStandard, Outage: fleet.OutageFailover,
		CreatedAt: s.now(),
	}
	on := ofCluster(c)
	on.target = authz.Everything // it does not exist yet
	if err := s.check(ctx, actor, fleet.ClusterCreate, on); err != nil {
		return fleet.Cluster{}, err
	}
	in.Watching.apply(&c)
	if err := validCluster(c); err != nil {
		return fleet.Cluster{}, err
	}
	o, err := s.once(actor, fleet.ClusterCreate, in.Key, in)
	if err != nil {
		return fleet.Cluster{}, err
	}
	made := struct{ Cluster id.ClusterID }{c.ID}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if done, err := tx.Recall(ctx, o, &made); done || err != nil {
			return err
		}
		if err := tx.InsertCluster(ctx, c); err != nil {
			return err
		}
		if err := tx.InsertAudit(ctx, detailed(entry(actor, fleet.ClusterCreate, on), clusterDetail(c))); err != nil {
			return err
		}
		return tx.Remember(ctx, o, made)
	})
	if err != nil {
		return fleet.Cluster{}, fmt.Errorf("create cluster: %w", err)
	}
	return s.Store.Cluster(ctx, made.Cluster)
}

// Cluster shows one cluster.
func (s *Service) Cluster(ctx context.Context, actor authz.Actor, cluster id.ClusterID) (fleet.Cluster, error) {
	c, err := s.Store.Cluster(ctx, cluster)
	if err != nil {
		return c, err
	}
	if err := s.check(ctx, actor, fleet.ClusterView, ofCluster(c)); err != nil {
		return fleet.Cluster{}, err
	}
	return c, nil
}

// Clusters lists the clusters that the actor may see.
func (s *Service) Clusters(ctx context.Context, actor authz.Actor, page store.Page) ([]fleet.Cluster, string, error) {
	if err := s.checkAnywhere(ctx, actor, fleet.ClusterView); err != nil {
		return nil, "", err
	}
	return s.Store.Clusters(ctx, store.ClusterFilter{Page: page, Reach: reach(actor, fleet.ClusterView)})
}

// Named is a new name or description; nil leaves it as it is.
type Named struct {
	Name        *string
	Description *string
}

func (in Named) apply(name, description *string) {
	if in.Name != nil {
		*name = *in.Name
	}
	if in.Description != nil {
		*description = *in.Description
	}
}

// ClusterEdit is what EditCluster changes; nil leaves a thing as it is.
type ClusterEdit struct {
	Named
	Watching
	Generation *int64 // If-Match
}

// EditCluster renames a cluster, or changes how its nodes are watched. Nodes
// hear of a new profile with their next lease.
func (s *Service) EditCluster(ctx context.Context, actor authz.Actor, cluster id.ClusterID, in ClusterEdit) (fleet.Cluster, error) {
	var c fleet.Cluster
	if err := s.checkCluster(ctx, actor, fleet.ClusterEdit, cluster); err != nil {
		return c, err
	}
	err := s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		if c, err = tx.LockCluster(ctx, cluster); err != nil {
			return err
		}
		if err := fleet.IfMatch(in.Generation, c.Generation, "cluster"); err != nil {
			return err
		}
		before := clusterDetail(c)
		c.Generation++
		in.Named.apply(&c.Name, &c.Description)
		in.Watching.apply(&c)
		if err := validCluster(c); err != nil {
			return err
		}
		if err := keepsExclusiveApart(ctx, tx, c); err != nil {
			return err
		}
		if err := tx.UpdateCluster(ctx, c); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, edited(entry(actor, fleet.ClusterEdit, ofCluster(c)), before, clusterDetail(c)))
	})
	if err != nil {
		return fleet.Cluster{}, fmt.Errorf("edit cluster: %w", err)
	}
	return c, nil
}

func clusterDetail(c fleet.Cluster) map[string]any {
	return map[string]any{
		"name": c.Name, "description": c.Description, "profile": c.Profile, "window": c.Window.String(), "outage_policy": c.Outage, "outage_after": c.OutageAfter.String(),
	}
}

// DeleteCluster removes a cluster that nothing refers to any more.
func (s *Service) DeleteCluster(ctx context.Context, actor authz.Actor, cluster id.ClusterID) error {
	if err := s.checkCluster(ctx, actor, fleet.ClusterDelete, cluster); err != nil {
		return err
	}
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		c, err := tx.LockCluster(ctx, cluster)
		if err != nil {
			return err
		}
		nodes, containers, err := tx.ClusterUse(ctx, cluster)
		if err != nil {
			return err
		}
		if nodes+containers > 0 {
			return fleet.Errorf(fleet.Conflict, "cluster %s still has %d nodes, and %d containers prefer it: move them first", c.Name, nodes, containers)
		}
		if err := tx.DeleteCluster(ctx, cluster); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, entry(actor, fleet.ClusterDelete, ofCluster(c)))
	})
	if err != nil {
		return fmt.Errorf("delete cluster: %w", err)
	}
	return nil
}

func (s *Service) checkCluster(ctx context.Context, actor authz.Actor, v fleet.Verb, cluster id.ClusterID) error {
	c, err := s.Store.Cluster(ctx, cluster)
	if err != nil {
		return err
	}
	return s.check(ctx, actor, v, ofCluster(c))
}

func validNamed(name, description string) error {
	var f faults
	f.name(name)
	f.description(description)
	return f.err()
}
