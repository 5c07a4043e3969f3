package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
)

func TestNodeComesBackAsItWasWritten(t *testing.T) {
	h := newHouse(t)
	cluster := fleet.Cluster{ID: id.New[id.ClusterID](), Generation: 1, Name: "berlin", CreatedAt: now(),
		Profile: lease.NameCustom, Window: 1500 * time.Millisecond, Outage: fleet.OutageFailoverAfter, OutageAfter: time.Hour}
	n := fleet.Node{ID: id.New[id.NodeID](), Generation: 1, Name: "edge-1", Description: "under the stairs", ClusterID: &cluster.ID,
		Labels: map[string]string{"rack": "7"}, CreatedAt: now()}
	h.do(func(tx *store.Tx) error {
		if err := tx.InsertCluster(h.ctx, cluster); err != nil {
			return err
		}
		return tx.InsertNode(h.ctx, n)
	})
	n.Health = fleet.NodeHealth{State: fleet.NodeJoining, Since: n.CreatedAt, Reason: "waiting for the agent", DockerOK: true}
	n.Profile, n.Window = cluster.Profile, cluster.Window
	h.wantNode(n)
	if got, err := h.Cluster(h.ctx, cluster.ID); err != nil || !cmp.Equal(cluster, got) {
		t.Errorf("the cluster is %+v, %v; want %+v", got, err, cluster)
	}

	n.CordonedAt, n.CordonReason = ptr(now()), "new disk"
	h.do(func(tx *store.Tx) error { return tx.SetCordon(h.ctx, n.ID, n.CordonedAt, n.CordonReason) })
	h.wantNode(n)
	job := fleet.Job{ID: id.New[id.JobID](), Kind: fleet.NodeDrain, State: fleet.JobQueued, NodeID: &n.ID, CreatedAt: now()}
	n.Drain = &fleet.Drain{JobID: job.ID, Deadline: now(), Standard: true, Reason: "new disk"}
	h.do(func(tx *store.Tx) error {
		return errors.Join(tx.InsertJob(h.ctx, job), tx.SetDrain(h.ctx, n.ID, n.Drain))
	})
	h.wantNode(n)
	if list, err := h.DrainingNodes(h.ctx); err != nil || len(list) != 1 || list[0].ID != n.ID {
		t.Errorf("draining are %+v, %v", list, err)
	}
	n.Drain, n.CordonedAt, n.CordonReason = nil, nil, ""
	h.do(func(tx *store.Tx) error {
		return errors.Join(tx.SetDrain(h.ctx, n.ID, nil), tx.SetCordon(h.ctx, n.ID, nil, ""))
	})
	h.wantNode(n)
}

func (h *house) wantNode(n fleet.Node) {
	h.Helper()
	got, err := h.Node(h.ctx, n.ID)
	if err != nil {
		h.Fatal(err)
	}
	if diff := cmp.Diff(n, got); diff != "" {
		h.Error(diff)
	}
}

func TestNodeFaults(t *testing.T) {
	h := newHouse(t)
	first, second := h.node("first"), h.node("second")
	nowhere := id.New[id.ClusterID]()
	tests := map[string]struct {
		kind  fleet.Kind
		words []string
		work  func(tx *store.Tx) error
	}{
		"insert a taken name": {fleet.Conflict, []string{`"first" is taken`, "name:"}, func(tx *store.Tx) error {
			return tx.InsertNode(h.ctx, fleet.Node{ID: id.New[id.NodeID](), Name: "first"})
		}},
		"rename to a taken name": {fleet.Conflict, []string{"name:"}, func(tx *store.Tx) error {
			return tx.UpdateNode(h.ctx, fleet.Node{ID: second.ID, Name: "first"})
		}},
		"unknown cluster": {fleet.Invalid, []string{"cluster_id: there is no cluster " + nowhere.String()}, func(tx *store.Tx) error {
			return tx.UpdateNode(h.ctx, fleet.Node{ID: first.ID, Name: "first", ClusterID: &nowhere})
		}},
		"update of nobody": {fleet.NotFound, nil, func(tx *store.Tx) error {
			return tx.UpdateNode(h.ctx, fleet.Node{ID: id.New[id.NodeID](), Name: "third"})
		}},
		"touch of nobody": {fleet.NotFound, nil, func(tx *store.Tx) error {
			_, err := tx.TouchNode(h.ctx, id.New[id.NodeID](), id.New[id.ContainerID]())
			return err
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { house{t, h.Store, h.ctx}.refused(test.kind, test.work, test.words...) })
	}
}

func TestDeletedNodeIsGoneAndItsNameIsFree(t *testing.T) {
	h := newHouse(t)
	n := h.node("edge")
	credential := fleet.Credential{ID: id.New[id.CredentialID](), NodeID: n.ID, CreatedAt: now()}
	h.do(func(tx *store.Tx) error { return tx.InsertCredential(h.ctx, credential, nil) })
	h.do(func(tx *store.Tx) error { return tx.DeleteNode(h.ctx, n.ID) })

	_, err := h.Node(h.ctx, n.ID)
	wantError(t, err, fleet.NotFound, "there is no node "+n.ID.String())
	_, err = h.LiveCredential(h.ctx, n.ID)
	wantError(t, err, fleet.NotFound)
	all, err := h.AllNodes(h.ctx, store.Reach{All: true})
	if err != nil || len(all) != 0 {
		t.Errorf("nodes left: %v, %v", all, err)
	}
	h.node("edge")
}

func TestNewestCredentialIsTheLiveOne(t *testing.T) {
	h := newHouse(t)
	n := h.node("edge")
	first := fleet.Credential{ID: id.New[id.CredentialID](), NodeID: n.ID, CreatedAt: now()}
	second := fleet.Credential{ID: id.New[id.CredentialID](), NodeID: n.ID, CreatedAt: now()}
	h.do(func(tx *store.Tx) error { return tx.InsertCredential(h.ctx, first, nil) })
	h.do(func(tx *store.Tx) error {
		count, err := tx.RevokeCredentials(h.ctx, n.ID, now())
		if count != 1 {
			t.Errorf("revoked %d credentials, want 1", count)
		}
		return err
	})
	h.do(func(tx *store.Tx) error { return tx.InsertCredential(h.ctx, second, nil) })
	live, err := h.LiveCredential(h.ctx, n.ID)
	if err != nil || live.ID != second.ID {
		t.Errorf("live credential is %v, %v; want %v", live.ID, err, second.ID)
	}
}

func TestNodesPageByPage(t *testing.T) {
	h := newHouse(t)
	var want []string
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		h.node(name)
		want = append([]string{name}, want...) // newest first
	}
	var got []string
	page := store.Page{Limit: 2}
	for pages := 1; ; pages++ {
		nodes, next, err := h.Nodes(h.ctx, store.NodeFilter{Page: page, Reach: store.Reach{All: true}})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range nodes {
			got = append(got, n.Name)
		}
		if page.Cursor = next; next == "" {
			if pages != 3 {
				t.Errorf("5 nodes by 2 took %d pages, want 3", pages)
			}
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, _, err := h.Nodes(h.ctx, store.NodeFilter{Page: store.Page{Cursor: "'; drop table nodes"}})
	wantError(t, err, fleet.Invalid, "cursor")
}

func TestListsReachNoFurtherThanTheirReader(t *testing.T) {
	h := newHouse(t)
	cluster := fleet.Cluster{ID: id.New[id.ClusterID](), Name: "berlin", CreatedAt: now()}
	h.do(func(tx *store.Tx) error { return tx.InsertCluster(h.ctx, cluster) })
	e := h.egg("demo")
	inside, outside := h.joined("inside", big), h.joined("outside", big)
	inside.ClusterID = &cluster.ID
	h.do(func(tx *store.Tx) error { return tx.UpdateNode(h.ctx, inside) })
	here, there := h.container("here", e, inside), h.container("there", e, outside)

	tests := map[string]struct {
		reach      store.Reach
		nodes      []string
		containers []string
	}{
		"nothing":      {store.Reach{}, nil, nil},
		"everything":   {store.Reach{All: true}, []string{"outside", "inside"}, []string{"there", "here"}},
		"a cluster":    {store.Reach{Clusters: []id.ClusterID{cluster.ID}}, []string{"inside"}, []string{"here"}},
		"a node":       {store.Reach{Nodes: []id.NodeID{outside.ID}}, []string{"outside"}, []string{"there"}},
		"a container":  {store.Reach{Containers: []id.ContainerID{here.ID}}, nil, []string{"here"}},
		"two of three": {store.Reach{Containers: []id.ContainerID{here.ID, there.ID}}, nil, []string{"there", "here"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			nodes, _, err := h.Nodes(h.ctx, store.NodeFilter{Reach: test.reach})
			if err != nil {
				t.Fatal(err)
			}
			containers, _, err := h.Containers(h.ctx, store.ContainerFilter{Reach: test.reach})
			if err != nil {
				t.Fatal(err)
			}
			var gotNodes, gotContainers []string
			for _, n := range nodes {
				gotNodes = append(gotNodes, n.Name)
			}
			for _, c := range containers {
				gotContainers = append(gotContainers, c.Name)
			}
			if diff := cmp.Diff(test.nodes, gotNodes); diff != "" {
				t.Errorf("nodes: %s", diff)
			}
			if diff := cmp.Diff(test.containers, gotContainers); diff != "" {
				t.Errorf("containers: %s", diff)
			}
		})
	}
}
