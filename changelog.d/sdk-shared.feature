Both SDKs: several programs share an application (`share`, weight, `drain`); calls of a program that is gone go on or begin anew, or are given to a handler of your own (`reoffered`).
