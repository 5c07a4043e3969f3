import { Page } from "@/components/page";
import { AddCluster } from "@/features/clusters/cluster-form";
import { ClusterList } from "@/features/clusters/cluster-list";
import { strings } from "@/strings";

export default function Clusters() {
  return (
    <Page title={strings.clusters.title} actions={<AddCluster />}>
      <ClusterList />
    </Page>
  );
}
