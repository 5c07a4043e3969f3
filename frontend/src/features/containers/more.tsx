import { useMay } from "@/components/may";
import { PlaceField } from "@/components/place-field";
import { strings } from "@/strings";
import { containers as containersWords } from "@/strings/containers";
import { create as words } from "@/strings/create";
import { TextField } from "@/ui/field";
import { Fold } from "@/ui/fold";
import type { CreateForm } from "./use-wizard";

/** Whose it will be, and with which others it is not to share a node. */
export function More({ form }: { form: CreateForm }) {
  const may = useMay();
  const mayAssign = may("container.assign") && may("user.view");
  const { errors } = form.formState;
  const [owner, group] = form.getValues(["owner", "group"]);
  const choose = (id: string, typed: string) => {
    form.setValue("owner", { id, typed });
    form.clearErrors("owner");
  };
  return (
    <Fold
      title={words.more}
      about={mayAssign ? words.moreTexts.withOwner : words.moreTexts.group}
      filled={Boolean(owner.typed || group)}
      faulty={Boolean(errors.owner || errors.group)}
    >
      <div className="grid gap-4 px-4 pt-2 pb-4 sm:grid-cols-2">
        {mayAssign && (
          <PlaceField
            label={containersWords.owner}
            kind="user"
            before={owner.typed}
            onChoose={choose}
            aside={strings.optional}
            hint={words.ownerHint}
            fault={errors.owner?.message}
          />
        )}
        <TextField
          label={containersWords.group}
          aside={strings.optional}
          hint={containersWords.groupHint}
          fault={errors.group?.message}
          {...form.register("group")}
        />
      </div>
    </Fold>
  );
}
