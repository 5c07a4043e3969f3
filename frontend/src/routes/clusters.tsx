import { Page } from "@/components/page";
import { AddCluster } from "@/features/clusters/cluster-form";
import { ClusterList } from "@/features/clusters/cluster-list";
import { clusters as clustersWords } from "@/strings/clusters";

export default function Clusters() {
  return (
    <Page title={clustersWords.title} actions={<AddCluster />}>
      <ClusterList />
    </Page>
  );
}
