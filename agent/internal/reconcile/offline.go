package reconcile

import "github.com/lormas/lormas/shared/spec"

// mayStartOffline is the one place that decides whether a container may be
// started by what the ledger says alone, with or without a controller in
// reach. Standard containers always may. So, until their policies and leases
// exist, may containers of type ha (FAILOVER §5.7, §6).
func mayStartOffline(spec.Container) bool { return true }
