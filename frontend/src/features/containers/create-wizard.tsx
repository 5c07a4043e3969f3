import { ArrowLeft, ArrowRight, Plus } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useLayoutEffect, useRef } from "react";
import type { Container, Egg } from "@/api/types";
import { FormFault } from "@/components/fault";
import { create as words } from "@/strings/create";
import { Button } from "@/ui/button";
import { Availability } from "./availability";
import { EggStep } from "./egg-step";
import { PortsStep } from "./ports-step";
import { ResourcesStep } from "./resources-step";
import { ReviewStep } from "./review-step";
import { RoomNote } from "./room-note";
import { Steps } from "./steps";
import { useWizard } from "./use-wizard";
import { VariablesStep } from "./variables-step";

interface WizardProps {
  /** Chosen before. */
  egg: Egg | undefined;
  /** Shown where there is no egg to choose. */
  noEggs: ReactNode;
  onCreated: (container: Container) => void;
}

/** Asks for one thing after the other, and creates the container at the end. */
export function CreateWizard({ egg: chosen, noEggs, onCreated }: WizardProps) {
  const { form, egg, all, step, create, submit, choose, goBack } = useWizard(chosen, onCreated);
  const last = step === "review";
  return (
    <form onSubmit={submit} className="max-w-3xl space-y-4" noValidate>
      <Steps all={all} now={step} />
      {create.error && <FormFault error={create.error} left={create.left} />}
      <StepHeading key={step} onEnter={last ? undefined : () => void submit()}>
        {words.steps[step]}
      </StepHeading>
      {all.indexOf(step) >= all.indexOf("resources") && <RoomNote form={form} />}
      {step === "egg" && <EggStep form={form} egg={egg} onChoose={choose} empty={noEggs} />}
      {step === "variables" && egg && <VariablesStep form={form} egg={egg} />}
      {step === "resources" && <ResourcesStep form={form} />}
      {step === "ports" && <PortsStep form={form} egg={egg} />}
      {step === "availability" && <Availability form={form} />}
      {last && egg && <ReviewStep values={form.getValues()} egg={egg} all={all} />}
      <div className="flex flex-row-reverse justify-between gap-2">
        <Button
          type="submit"
          look="primary"
          icon={last ? Plus : ArrowRight}
          busy={create.busy}
          className={last ? "max-sm:flex-1" : ""}
        >
          {last ? words.submit : words.goOn}
        </Button>
        {goBack && (
          <Button icon={ArrowLeft} onClick={goBack}>
            {words.goBack}
          </Button>
        )}
      </div>
    </form>
  );
}

/** Takes the focus with each step, so that it is read out; Enter goes on from it, but not for as long as it is held. */
function StepHeading({ children, onEnter }: { children: ReactNode; onEnter: (() => void) | undefined }) {
  const ref = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => ref.current?.focus(), []);
  const onKeyDown = ({ key, repeat }: KeyboardEvent) => {
    if (key === "Enter" && !repeat) onEnter?.();
  };
  return (
    <h2 ref={ref} tabIndex={-1} onKeyDown={onKeyDown} className="text-lg font-semibold outline-none">
      {children}
    </h2>
  );
}
