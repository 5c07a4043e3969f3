import { Note } from "@/ui/note";
import { useRoom } from "./use-room";
import type { CreateForm } from "./use-wizard";

/** Says that it fits nowhere, before anything is sent. The controller has the last word. */
export function RoomNote({ form }: { form: CreateForm }) {
  const { refusal } = useRoom(form);
  return refusal ? <Note look="warn">{refusal}</Note> : null;
}
