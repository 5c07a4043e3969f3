import { Page } from "@/components/page";
import { AddCategory } from "@/features/eggs/category-form";
import { CategoryList } from "@/features/eggs/category-list";
import { categories as words } from "@/strings/categories";

export default function EggCategories() {
  return (
    <Page title={words.title} actions={<AddCategory />}>
      <CategoryList />
    </Page>
  );
}
