module github.com/lormas/lormas/frontend

go 1.26.0
