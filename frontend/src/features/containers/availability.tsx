import { useInfiniteQuery } from "@tanstack/react-query";
import { clustersQuery, itemsOf } from "@/api/queries";
import { useMay } from "@/components/may";
import { create as words } from "@/strings/create";
import { SelectField } from "@/ui/field";
import { Panel } from "@/ui/panel";
import type { Group } from "./room";
import { useRoom } from "./use-room";
import type { CreateForm } from "./use-wizard";

/** Whether it moves by itself, and how and where to; asked only of who wants it to. */
export function Availability({ form }: { form: CreateForm }) {
  const { errors } = form.formState;
  const ha = form.watch("ha");
  const maySee = useMay()("cluster.view");
  const { groups } = useRoom(form);
  const clusters = itemsOf(useInfiniteQuery({ ...clustersQuery(), enabled: ha && maySee }).data);
  return (
    <Panel>
      <div className="space-y-4 p-4">
        <div>
          <label className="flex items-baseline gap-2.5">
            <input type="checkbox" {...form.register("ha")} />
            {words.ha}
          </label>
          <p className="pl-6 text-xs text-muted">{words.haHint}</p>
        </div>
        {ha && (
          <div className="grid gap-4 sm:grid-cols-2">
            <SelectField
              label={words.policy}
              fault={errors.ha_policy?.message}
              {...form.register("ha_policy")}
            >
              {Object.entries(words.policies).map(([policy, word]) => (
                <option key={policy} value={policy}>
                  {word}
                </option>
              ))}
            </SelectField>
            {clusters.length > 0 && (
              <SelectField
                label={words.cluster}
                fault={errors.preferred_cluster_id?.message}
                {...form.register("preferred_cluster_id")}
              >
                <option value="">{words.anyCluster}</option>
                {clusters.map(({ id, name }) => (
                  <option key={id} value={id}>
                    {roomText(
                      name,
                      groups.find((group) => group.id === id),
                    )}
                  </option>
                ))}
              </SelectField>
            )}
          </div>
        )}
      </div>
    </Panel>
  );
}

const roomText = (name: string, group: Group | undefined) =>
  group ? words.clusterRoom(name, group.fitting, group.places.length) : name;
