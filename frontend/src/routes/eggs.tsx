import { Tags } from "lucide-react";
import { Link } from "react-router";
import { useMay } from "@/components/may";
import { Page } from "@/components/page";
import { EggList, NewEgg } from "@/features/eggs/egg-list";
import { categories } from "@/strings/categories";
import { eggs as eggsWords } from "@/strings/eggs";
import { buttonClass } from "@/ui/button";

export default function Eggs() {
  const may = useMay();
  return (
    <Page
      title={eggsWords.title}
      actions={
        <>
          {may("egg.category.view") && (
            <Link to="/eggs/categories" className={buttonClass("quiet")}>
              <Tags aria-hidden className="size-4" />
              {categories.link}
            </Link>
          )}
          <NewEgg importing />
        </>
      }
    >
      <EggList />
    </Page>
  );
}
