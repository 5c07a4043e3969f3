import { useState } from "react";
import { firstOf, shownFirst } from "@/api/room";
import { formatBytes, formatCores, parseBytes } from "@/lib/quantity";
import { nodeStateWords, strings } from "@/strings";
import { containers as containersWords } from "@/strings/containers";
import { create as words } from "@/strings/create";
import { moves as movesWords } from "@/strings/moves";
import { TextField } from "@/ui/field";
import { Panel } from "@/ui/panel";
import { RadioRow } from "@/ui/radio-row";
import type { Group, Place } from "./room";
import { useRoom } from "./use-room";
import type { CreateForm } from "./use-wizard";

export function ResourcesStep({ form }: { form: CreateForm }) {
  const errors = form.formState.errors.resources;
  return (
    <>
      <Panel>
        <div className="grid gap-4 p-4 sm:grid-cols-3">
          <TextField
            label={containersWords.cpu}
            aside={strings.cores}
            inputMode="decimal"
            fault={errors?.cpu?.message}
            {...form.register("resources.cpu")}
          />
          <TextField
            label={containersWords.memory}
            hint={words.sizeHint}
            fault={errors?.memory?.message}
            {...form.register("resources.memory")}
          />
          <TextField
            label={containersWords.disk}
            fault={errors?.disk?.message}
            {...form.register("resources.disk")}
          />
        </div>
      </Panel>
      <NodeChoice form={form} />
    </>
  );
}

/** Where it could run: what each node has free, and why the others cannot take it. */
function NodeChoice({ form }: { form: CreateForm }) {
  const { groups } = useRoom(form);
  const [typed, setTyped] = useState("");
  const fault = form.formState.errors.nodeId?.message;
  if (groups.length === 0) return null;
  const isLong = groups.some(({ places }) => places.length > shownFirst);
  return (
    <Panel title={words.node}>
      <div className="space-y-3 p-4">
        {isLong && (
          <TextField
            label={words.room.find}
            type="search"
            value={typed}
            onChange={({ target }) => setTyped(target.value)}
          />
        )}
        <fieldset className="max-h-96 divide-y divide-line overflow-y-auto rounded-md border border-line">
          <legend className="sr-only">{words.node}</legend>
          <RadioRow title={words.automatic} text={words.automaticText}>
            <input type="radio" value="" {...form.register("nodeId")} />
          </RadioRow>
          {groups.map((group) => (
            <GroupChoices key={group.id} form={form} group={group} typed={typed} />
          ))}
        </fieldset>
        <p className={fault ? "text-sm text-bad" : "text-xs text-muted"}>{fault ?? words.nodeHint}</p>
      </div>
    </Panel>
  );
}

interface GroupProps {
  form: CreateForm;
  group: Group;
  /** A part of the name that is looked for. */
  typed: string;
}

function GroupChoices({ form, group, typed }: GroupProps) {
  const chosen = form.watch("nodeId");
  const { shown, more } = firstOf(group.places, typed, chosen);
  if (shown.length === 0) return null;
  return (
    <div className="divide-y divide-line">
      <GroupTitle group={group} />
      {shown.map((place) => (
        <RadioRow
          key={place.node.id}
          title={place.node.name}
          text={placeText(place)}
          refused={place.refusal !== ""}
        >
          <input
            type="radio"
            value={place.node.id}
            disabled={place.refusal !== "" && place.node.id !== chosen}
            {...form.register("nodeId")}
          />
        </RadioRow>
      ))}
      {more > 0 && <p className="px-3 py-2 text-xs text-muted">{words.room.more(more)}</p>}
    </div>
  );
}

function GroupTitle({ group: { name, places, fitting } }: { group: Group }) {
  return (
    <p className="flex justify-between gap-2 bg-sunken px-3 py-1.5 text-xs text-muted">
      <bdi className="min-w-0 font-medium break-words">{name}</bdi>
      <span>{words.room.fitting(fitting, places.length)}</span>
    </p>
  );
}

function placeText({ node: { state, capacity }, lack, refusal }: Place): string {
  if (refusal) return refusal;
  const size = (text: string) => formatBytes(parseBytes(text) ?? 0);
  const free = movesWords.free(formatCores(capacity.cpu), size(capacity.memory), size(capacity.disk));
  return lack ? `${nodeStateWords[state]}: ${words.room.waits} · ${free}` : free;
}
