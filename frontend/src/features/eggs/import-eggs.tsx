import { Check, Download, FileWarning, LoaderCircle, Upload, X } from "lucide-react";
import { type DragEvent, type FormEvent, useRef, useState } from "react";
import { Link } from "react-router";
import { Fault } from "@/components/fault";
import { cx } from "@/lib/cx";
import { eggs as eggsWords } from "@/strings/eggs";
import { Badge } from "@/ui/badge";
import { Button, IconButton } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Panel } from "@/ui/panel";
import { faultsOf, type Item, nameOf, toImport } from "./import-list";
import { useImport } from "./use-import";

const words = eggsWords.import;

/** Shows what files would become before anything is changed. */
export function ImportEggs() {
  const { list, add, go, remove } = useImport();
  const count = toImport(list).length;
  const busy = list.items.some((item) => item.state === "going");
  return (
    <div className="max-w-3xl space-y-4">
      <Drop onFiles={(files) => void add(files)} />
      <Address onUrl={(url) => void add([url])} />
      <Panel
        title={words.list}
        aside={
          <Button look="primary" icon={Download} disabled={count === 0} busy={busy} onClick={() => void go()}>
            {words.submit(count)}
          </Button>
        }
      >
        {list.items.length === 0 ? (
          <p className="p-4 text-muted">{words.nothing}</p>
        ) : (
          <ul className="divide-y divide-line" aria-live="polite">
            {list.items.map((item) => (
              <Row key={item.key} item={item} onRemove={() => remove(item)} />
            ))}
          </ul>
        )}
      </Panel>
    </div>
  );
}

function Drop({ onFiles }: { onFiles: (files: File[]) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    onFiles([...event.dataTransfer.files]);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the button inside does the same for the keyboard
    <div
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={onDrop}
      className={cx(
        "flex flex-col items-center gap-2 rounded-lg border-2 border-dashed px-6 py-10 text-center",
        over ? "border-accent bg-accent-soft" : "border-line-strong bg-surface",
      )}
    >
      <Upload aria-hidden className="size-6 text-muted" />
      <p className="font-medium">{words.drop}</p>
      <p className="max-w-lg text-sm text-muted">{words.dropHint}</p>
      <Button onClick={() => input.current?.click()}>{words.choose}</Button>
      <input
        ref={input}
        type="file"
        multiple
        accept=".json,.yaml,.yml"
        aria-label={words.choose}
        tabIndex={-1}
        className="sr-only"
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          event.target.value = ""; // the same file may be chosen again
        }}
      />
    </div>
  );
}

function Address({ onUrl }: { onUrl: (url: string) => void }) {
  const [url, setUrl] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!url.trim()) return;
    onUrl(url.trim());
    setUrl("");
  };
  return (
    <form onSubmit={submit} className="flex items-start gap-2">
      <div className="min-w-0 flex-1">
        <TextField
          label={words.url}
          hint={words.urlHint}
          type="url"
          placeholder="https://"
          value={url}
          onChange={(event) => setUrl(event.target.value)}
        />
      </div>
      <Button type="submit" className="mt-6 h-9">
        {words.fetch}
      </Button>
    </form>
  );
}

function Row({ item, onRemove }: { item: Item; onRemove: () => void }) {
  const { seen } = item;
  const name = nameOf(item.source);
  return (
    <li className="space-y-1.5 px-4 py-3">
      <div className="flex flex-wrap items-center gap-2">
        <span className="min-w-0 flex-1 font-medium break-words">
          {item.state === "done" && seen ? (
            <Link to={`/eggs/${seen.egg.id}`}>{seen.egg.name}</Link>
          ) : (
            (seen?.egg.name ?? name)
          )}
        </span>
        <State item={item} />
        <IconButton icon={X} label={words.remove(name)} onClick={onRemove} />
      </div>
      {seen && <p className="text-xs break-words text-muted">{name}</p>}
      {seen && seen.changes.length > 0 && (
        <p className="text-sm">{words.fields(seen.changes.map((change) => change.field).join(", "))}</p>
      )}
      {seen?.warnings.map((w) => (
        <p key={`${w.line} ${w.field} ${w.message}`} className="text-sm text-warn">
          {words.place(w.line, w.field)}: {w.message}
        </p>
      ))}
      {item.state === "refused" && <Refusal error={item.error} />}
    </li>
  );
}

function Refusal({ error }: { error: unknown }) {
  const faults = faultsOf(error);
  if (faults.length === 0) return <Fault error={error} />;
  return (
    <ul className="space-y-1">
      {faults.map(({ line, field, message }) => (
        <li key={`${line} ${field} ${message}`} className="text-sm text-bad">
          <code className="text-xs">{words.place(line, field)}</code>: {message}
        </li>
      ))}
    </ul>
  );
}

function State({ item: { state, seen } }: { item: Item }) {
  switch (state) {
    case "looking":
      return <Badge tone="busy" icon={LoaderCircle} spin label={words.looking} />;
    case "going":
      return <Badge tone="busy" icon={LoaderCircle} spin label={words.going} />;
    case "refused":
      return <Badge tone="bad" icon={FileWarning} label={seen ? words.failed : words.refused} />;
    case "ready":
      return <Badge tone="idle" icon={Check} label={seen ? words.would[seen.outcome] : ""} />;
    case "done":
      return <Badge tone="ok" icon={Check} label={seen ? words.did[seen.outcome] : ""} />;
  }
}
