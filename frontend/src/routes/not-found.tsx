import { Link } from "react-router";
import { Page } from "@/components/page";
import { strings } from "@/strings";
import { buttonClass } from "@/ui/button";

export default function NotFound() {
  return (
    <Page title={strings.notFound.title}>
      <p className="text-muted">{strings.notFound.text}</p>
      <Link to="/nodes" className={buttonClass()}>
        {strings.notFound.back}
      </Link>
    </Page>
  );
}
